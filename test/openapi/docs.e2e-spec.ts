import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import request, { type Response } from 'supertest';
import { OPERATOR } from '../../src/caller.js';
import { FACES } from '../../src/config.js';
import { operationsWith } from '../../src/openapi/document.js';
import { sessionResource } from '../../src/sessions/session.resource.js';
import { OrganizationsService } from '../../src/users/organizations.service.js';
import { ClerkBrowser, ORIGIN } from '../support/clerk-browser.js';
import { document as sent, Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { declaredRoutesOf } from '../support/routes.js';
import { operationsOf, SchemaCheck, type Described } from './described.js';

const OWN_ROUTES = ['GET /openapi.json', 'GET /docs', 'GET /docs/{file}'];

describe('documentation', () => {
  let latchkey: Latchkey;
  let described: Described;

  beforeAll(async () => {
    latchkey = await Latchkey.start({ ALLOWED_ORIGINS: ORIGIN });
    const response = await request(latchkey.url).get('/openapi.json').expect(200);
    expect(response.headers['content-type']).toBe('application/json');
    described = response.body as Described;
  });
  afterAll(() => latchkey.stop());

  it('describes every route there is, and no other', () => {
    const declared = declaredRoutesOf(latchkey.app).map(
      ({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`,
    );
    const names = operationsOf(described).map(([name]) => name);
    expect([...names, ...OWN_ROUTES].sort()).toEqual(declared.sort());
  });

  it('says of every route who may call it as the route itself does', () => {
    for (const { method, path, access } of declaredRoutesOf(latchkey.app)) {
      const name = `${method} ${path.replace(/:(\w+)/g, '{$1}')}`;
      if (OWN_ROUTES.includes(name)) continue;
      const { who, readOnlyToo } = operationsWith(FACES)[name]!;
      expect({ name, who, readOnlyToo: readOnlyToo ?? false }).toEqual({
        name,
        who: access?.who,
        readOnlyToo: access?.readOnlyToo ?? false,
      });
    }
  });

  it('is a page that loads nothing but our own files, as our policy for browsers asks', async () => {
    const page = await request(latchkey.url).get('/docs').expect(200);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['content-security-policy']).toMatch(/script-src 'self';/);
    const scripts = [...page.text.matchAll(/<script([^>]*)>([^<]*)<\/script>/g)];
    expect(scripts.map(([, , inline]) => inline)).toEqual(['', '']);
    const links = [...page.text.matchAll(/(?:src|href|data-url)="([^"]+)"/g)].map(([, link]) => link!);
    expect(links).toHaveLength(5);
    for (const link of links) await request(latchkey.url).get(link).expect(200);
  });

  it.each([
    ['/docs/swagger-ui.css', 'text/css'],
    ['/docs/swagger-ui-bundle.js', 'text/javascript'],
    ['/docs/start.js', 'text/javascript'],
    ['/docs/favicon-32x32.png', 'image/png'],
  ])('serves %s as %s, which no browser has to guess', async (path, type) => {
    const response = await request(latchkey.url).get(path).expect(200);
    expect(response.headers).toMatchObject({ 'content-type': type, 'x-content-type-options': 'nosniff' });
  });

  it.each(['package.json', '..%2Fpackage.json', 'toString', 'index.html'])(
    'serves no other file of the package: %s',
    (file) => request(latchkey.url).get(`/docs/${file}`).expect(404),
  );

  describe('real answers fit what is described', () => {
    const seen = new Set<string>();
    let check: SchemaCheck;
    let admin: SignedInPerson;

    beforeAll(async () => {
      check = new SchemaCheck(described);
      admin = await latchkey.asAdmin();
    });

    /** Sends a request and holds its answer against the operation; gives the answer's body. */
    async function told(
      name: string,
      status: number,
      path: string,
      token: string | null,
      body?: object,
      headers: Record<string, string> = {},
      // eslint-disable-next-line @typescript-eslint/no-explicit-any -- any JSON value
    ): Promise<any> {
      const method = name.split(' ')[0]!.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete';
      const call = method === 'get' ? latchkey.get(path, token) : latchkey[method](path, token, body);
      return held(name, status, await call.set(headers));
    }

    /** Holds an answer against the operation; gives the answer's body. */
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- any JSON value
    function held(name: string, status: number, response: Response): any {
      expect({
        name,
        status: response.status,
        text: response.status === status ? '' : response.text,
      }).toEqual({
        name,
        status,
        text: '',
      });
      seen.add(name);
      const { content } = operationsOf(described).find(([key]) => key === name)![1].responses[status]!;
      const [mediaType, { schema }] = Object.entries(content ?? { '': { schema: {} } })[0]!;
      expect({ name, type: (response.headers['content-type'] ?? '').split(';')[0] }).toEqual({
        name,
        type: mediaType,
      });
      const value = /json/.test(mediaType) ? response.body : response.text;
      expect({ name, problems: content ? check.problems(schema, value) : [] }).toEqual({
        name,
        problems: [],
      });
      return response.body;
    }

    it('of sessions', async () => {
      const path = `/api/v2/sessions/${admin.sessionId}`;
      const names = [...Object.keys(sessionResource.attributes), 'user'].join();
      const fields = `fields[sessions]=${names}&include=user`;
      await told('GET /api/v2/sessions', 200, '/api/v2/sessions', admin.token);
      await told('GET /api/v2/sessions', 200, '/api/v2/sessions?page[after]=&include=user', admin.token);
      await told('GET /api/v2/sessions', 400, '/api/v2/sessions?filter[colour]=red', admin.token);
      await told('GET /api/v2/sessions/current', 200, `/api/v2/sessions/current?${fields}`, admin.token);
      await told('GET /api/v2/sessions/{id}', 200, path, admin.token);
      await told('GET /api/v2/sessions/{id}', 401, path, null);
      await told('GET /api/v2/sessions/{id}', 404, '/api/v2/sessions/0', admin.token);
      const named = sent('sessions', { name: 'Kitchen' }, { id: admin.sessionId });
      await told('PATCH /api/v2/sessions/{id}', 200, path, admin.token, named);
      await told('POST /api/v2/sessions', 422, '/api/v2/sessions', null, sent('sessions', {}));
      const { email, password } = admin;
      const other = await told(
        'POST /api/v2/sessions',
        201,
        '/api/v2/sessions',
        null,
        sent('sessions', { email, password }),
      );
      await told('DELETE /api/v2/sessions/{id}', 204, `/api/v2/sessions/${other.data.id}`, admin.token);
      const renewable = await told(
        'POST /api/v2/sessions',
        201,
        '/api/v2/sessions',
        null,
        sent('sessions', { email, password, refreshable: true }),
      );
      const { token } = renewable.data.attributes;
      const renewal = sent('sessions', renewable.meta);
      await told(
        'POST /api/v2/sessions/refresh',
        422,
        '/api/v2/sessions/refresh',
        token,
        sent('sessions', {}),
      );
      await told('POST /api/v2/sessions/refresh', 200, '/api/v2/sessions/refresh', token, renewal);
      await told('POST /api/v2/sessions/refresh', 401, '/api/v2/sessions/refresh', token, renewal);
      await told('POST /api/v2/sessions/revoke', 200, '/api/v2/sessions/revoke', admin.token);
    });

    it('of machine tokens', async () => {
      const draft = sent('sessions', { name: 'backup', read_only: true });
      const path = '/api/v2/sessions/machine';
      const machine = await told('POST /api/v2/sessions/machine', 201, path, admin.token, draft);
      await told('POST /api/v2/sessions/machine', 422, path, admin.token, sent('sessions', {}));
      await told('POST /api/v2/sessions/machine', 403, path, machine.data.attributes.token, draft);
      await told('POST /api/v2/sessions/jwt', 201, '/api/v2/sessions/jwt?expires_in=60', admin.token);
    });

    it('of step-up', async () => {
      const { sessionId, token, password } = await latchkey.asUser();
      const of = (attributes: object) => sent('verifications', attributes);
      const start = 'POST /api/v2/sessions/{id}/verifications';
      const path = `/api/v2/sessions/${sessionId}/verifications?include=session`;
      const begun = await told(start, 201, path, token, of({ level: 'first_factor' }));
      await told(start, 422, path, token, of({ level: 'first_factor', strategy: 'sms_code' }));
      const own = `/api/v2/verifications/${begun.data.id}`;
      await told('GET /api/v2/verifications/{id}', 200, own, token);
      const mail = of({ strategy: 'email_code' });
      await told('POST /api/v2/verifications/{id}/codes', 200, `${own}/codes`, token, mail);
      await told('POST /api/v2/verifications/{id}/codes', 429, `${own}/codes`, token, mail);
      const proof = of({ strategy: 'password', password });
      await told('POST /api/v2/verifications/{id}/attempts', 200, `${own}/attempts`, token, proof);
      await told('POST /api/v2/verifications/{id}/attempts', 409, `${own}/attempts`, token, proof);
    });

    it('of users', async () => {
      const created = await told(
        'POST /api/v2/users',
        201,
        '/api/v2/users',
        admin.token,
        sent('users', { email: 'grace@example.com', password: 'a nanosecond of wire' }),
      );
      const path = `/api/v2/users/${created.data.id}`;
      const renamed = sent('users', { first_name: 'Grace' }, { id: created.data.id });
      await told('GET /api/v2/users', 200, '/api/v2/users', admin.token);
      await told('GET /api/v2/users/me', 200, '/api/v2/users/me', admin.token);
      await told('GET /api/v2/users/{id}', 200, path, admin.token);
      await told('PATCH /api/v2/users/{id}', 200, path, admin.token, renamed);
      await told('PATCH /api/v2/users/{id}', 409, path, admin.token, sent('users', {}, { id: '1' }));
      await told('DELETE /api/v2/users/{id}', 204, path, admin.token);
    });

    it('of organisations', async () => {
      const organizations = latchkey.app.get(OrganizationsService, { strict: false });
      const draft = { name: 'Pacific Fleet', slug: 'pacific-fleet', metadata: { ships: 3 } };
      const { id } = await organizations.create(OPERATOR, draft);
      const path = '/api/v2/organizations';
      await told('GET /api/v2/organizations', 200, path, admin.token);
      await told('GET /api/v2/organizations', 400, `${path}?sort=colour`, admin.token);
      await told('GET /api/v2/organizations/{id}', 200, `${path}/${id}`, admin.token);
      await told('GET /api/v2/organizations/{id}', 404, `${path}/0`, admin.token);
    });

    it('of events', async () => {
      const path = '/api/v2/events';
      const person = await latchkey.asUser();
      const { data } = await told('GET /api/v2/events', 200, path, admin.token);
      await told('GET /api/v2/events', 403, path, person.token);
      await told('GET /api/v2/events/{id}', 200, `${path}/${data[0].id}`, admin.token);
      await told('GET /api/v2/events/{id}', 404, `${path}/${data[0].id}`, person.token);
    });

    it('of one-time passwords', async () => {
      const person = await latchkey.asUser();
      const { password, token } = person;
      const begin = `/api/v2/users/${person.id}/otp_enrollments`;
      const begun = await told(
        'POST /api/v2/users/{id}/otp_enrollments',
        201,
        begin,
        token,
        sent('otp_enrollments', { password }),
      );
      const path = `/api/v2/otp_enrollments/${begun.data.id}`;
      const first = sent('otp_enrollments', { otp: latchkey.codeNow(begun.data.attributes.secret) });
      const confirmed = await told(
        'PUT /api/v2/otp_enrollments/{id}/confirm',
        200,
        `${path}/confirm`,
        token,
        first,
      );
      await told('GET /api/v2/otp_enrollments/{id}', 200, path, token);
      const [forSession, forRenewal] = confirmed.data.attributes.recovery_codes;
      const pending = await latchkey.signIn(person);
      const proof = sent('sessions', { otp: forSession, password });
      const validate = `/api/v2/sessions/${pending.sessionId}/validate_otp`;
      await told(
        'PUT /api/v2/sessions/{id}/validate_otp',
        422,
        validate,
        null,
        sent('sessions', { otp: '000000', password }),
      );
      await told('PUT /api/v2/sessions/{id}/validate_otp', 200, validate, null, proof);
      const both = sent('otp_enrollments', { password, otp: forRenewal });
      const renewed = await told(
        'POST /api/v2/otp_enrollments/{id}/recovery_codes',
        200,
        `${path}/recovery_codes`,
        token,
        both,
      );
      const last = sent('otp_enrollments', { password, otp: renewed.data.attributes.recovery_codes[0] });
      await told('DELETE /api/v2/otp_enrollments/{id}', 204, path, token, last);
    });

    it('of Lendix', async () => {
      const json = { 'Content-Type': 'application/json' };
      const person = await latchkey.asUser();
      const { recoveryCodes } = await latchkey.enableTwoFactor(person);
      const list = '/lendix/sessions';
      const signIn = (status: number, body: object) => told(`POST ${list}`, status, list, null, body, json);
      await signIn(400, {});
      await signIn(401, { email: person.email, password: 'x' });
      await told(`POST ${list}`, 415, list, null, {});
      await signIn(200, { email: admin.email, password: admin.password });
      const pending = await signIn(200, { email: person.email, password: person.password });
      const { id, token, user } = pending.session;
      const one = `${list}/${id}`;
      const by = (sessionToken: string) => ({ ...json, sessionToken, userId: user.id });
      const post = (status: number, sessionToken: string, body: object) =>
        told(`POST ${list}/{id}`, status, one, null, body, by(sessionToken));
      await post(403, token, { secured: true });
      const active = (await post(200, token, { code: recoveryCodes[0] })).session.token;
      await post(400, active, { secured: true });
      await told(`GET ${list}`, 200, list, null, undefined, by(active));
      await told(`GET ${list}`, 400, `${list}?limit=0`, null, undefined, by(active));
      await told(`GET ${list}`, 401, list, null);
      await told(`GET ${list}/{id}`, 200, one, null, undefined, by(active));
      await told(`GET ${list}/{id}`, 404, `${list}/0`, null, undefined, by(active));
      await told(`DELETE ${list}/{id}`, 404, `${list}/0`, null, undefined, by(active));
      await told(`DELETE ${list}/{id}`, 200, one, null, undefined, by(active));
    });

    it('of PORTOS', async () => {
      const json = { 'Content-Type': 'application/json' };
      const { email, password } = admin;
      const proof = { userName: email, password, deviceName: 'P01', envName: 'PDA' };
      const signIn = (status: number, body: object) =>
        told('POST /portos/api/auth', status, '/portos/api/auth', null, body, json);
      await signIn(400, {});
      await signIn(401, { ...proof, password: 'x' });
      await told('POST /portos/api/auth', 415, '/portos/api/auth', null, proof);
      const own = await signIn(200, proof);
      for (const base of ['/portos', '/portos/api']) {
        const list = `GET ${base}/sessions`;
        await told(list, 400, `${base}/sessions?colour=red`, own.tokenId);
        await told(list, 200, `${base}/sessions?$count=true`, own.tokenId);
        const { items } = await told(list, 200, `${base}/sessions?$sort=-startedAt`, own.tokenId);
        const path = `${base}/sessions/${items.at(-1).sessionId}`;
        await told(`GET ${base}/sessions/{id}`, 200, path, own.tokenId);
        await told(`GET ${base}/sessions/{id}`, 404, `${base}/sessions/0`, own.tokenId);
        await told(`GET ${base}/sessions/{id}`, 401, path, null);
        const other = await signIn(200, proof);
        const [latest] = (await told(list, 200, `${base}/sessions?$sort=-sessionId`, own.tokenId)).items;
        const ended = `${base}/sessions/${latest.sessionId}`;
        await told(`DELETE ${base}/sessions/{id}`, 200, ended, own.tokenId);
        await told(`DELETE ${base}/sessions/{id}`, 401, ended, other.tokenId);
      }
      await told('GET /portos/api/auth', 200, '/portos/api/auth', own.tokenId);
      const { tokenId, refreshToken } = own;
      const refresh = (status: number, body: object) =>
        told('POST /portos/api/auth/refresh', status, '/portos/api/auth/refresh', null, body, json);
      const next = await refresh(200, { tokenId, refreshToken });
      await refresh(401, { tokenId, refreshToken });
      await told('DELETE /portos/api/auth', 204, '/portos/api/auth', next.tokenId);
    });

    it('of Clerk’s API', async () => {
      const browser = new ClerkBrowser(latchkey);
      const person = await latchkey.asUser();
      const tell = async (name: string, status: number, path: string, form: Record<string, string> = {}) => {
        const method = name.split(' ')[0]!.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete';
        const test = method === 'post' ? browser.post(path, form) : browser.call(method, path);
        return held(name, status, await test);
      };
      await tell('GET /clerk/v1/client', 200, '/client');
      await tell('PUT /clerk/v1/client', 200, '/client');
      await tell('POST /clerk/v1/client', 200, '/client');
      await tell('GET /clerk/v1/environment', 200, '/environment');
      await tell('PATCH /clerk/v1/environment', 200, '/environment');
      await tell('GET /clerk/v1/jwks', 200, '/jwks');
      const jwks = '/clerk/.well-known/jwks.json';
      held(`GET ${jwks}`, 200, await request(latchkey.url).get(jwks));

      const signIns = '/client/sign_ins';
      await tell('POST /clerk/v1/client/sign_ins', 422, signIns);
      const identifier = person.email;
      const { response } = await tell('POST /clerk/v1/client/sign_ins', 200, signIns, { identifier });
      const one = `${signIns}/${response.id}`;
      const described = '/clerk/v1/client/sign_ins/{id}';
      await tell(`GET ${described}`, 200, one);
      await tell(`POST ${described}/prepare_first_factor`, 400, `${one}/prepare_first_factor`);
      await tell(`POST ${described}/prepare_second_factor`, 400, `${one}/prepare_second_factor`);
      const proof = { strategy: 'password', password: person.password };
      await tell(`POST ${described}/attempt_first_factor`, 200, `${one}/attempt_first_factor`, proof);
      const code = { strategy: 'totp', code: '000000' };
      await tell(`POST ${described}/attempt_second_factor`, 400, `${one}/attempt_second_factor`, code);

      const client = await tell('GET /clerk/v1/client', 200, '/client');
      const session = `/client/sessions/${client.response.last_active_session_id}`;
      const ofSession = '/clerk/v1/client/sessions/{session_id}';
      await tell(`GET ${ofSession}`, 200, session);
      await tell(`GET ${ofSession}`, 404, '/client/sessions/sess_0');
      await tell(`POST ${ofSession}/touch`, 200, `${session}/touch`);
      await tell(`POST ${ofSession}/tokens`, 200, `${session}/tokens`);
      await tell(`POST ${ofSession}/tokens/{template_name}`, 404, `${session}/tokens/unknown`);
      const verify = `${ofSession}/verify`;
      await tell(`POST ${verify}`, 200, `${session}/verify`, { level: 'multi_factor' });
      await tell(`POST ${verify}/prepare_first_factor`, 422, `${session}/verify/prepare_first_factor`);
      await tell(`POST ${verify}/attempt_first_factor`, 200, `${session}/verify/attempt_first_factor`, proof);
      await tell(`POST ${verify}/prepare_second_factor`, 400, `${session}/verify/prepare_second_factor`);
      await tell(
        `POST ${verify}/attempt_second_factor`,
        400,
        `${session}/verify/attempt_second_factor`,
        code,
      );

      await tell('GET /clerk/v1/me/sessions', 200, '/me/sessions');
      await tell('GET /clerk/v1/me/sessions/active', 200, '/me/sessions/active');
      const [elsewhere] = (await browser.get('/me/sessions')).body.filter(
        ({ id }: { id: string }) => !session.endsWith(id),
      );
      await tell('POST /clerk/v1/me/sessions/{id}/revoke', 200, `/me/sessions/${elsewhere.id}/revoke`);
      await tell(`POST ${ofSession}/end`, 200, `${session}/end`);
      await tell(`POST ${ofSession}/remove`, 400, `${session}/remove`);
      await tell('DELETE /clerk/v1/client/sessions', 200, '/client/sessions');
      await tell('DELETE /clerk/v1/client', 200, '/client');
    });

    it('of ZITADEL', async () => {
      const sessions = '/zitadel/v2/sessions';
      const one = `${sessions}/{id}`;
      const { token } = admin;
      const json = { 'Content-Type': 'application/json' };
      const person = await latchkey.addUser();
      const userAgent = { fingerprintId: 'x', header: { 'user-agent': { values: ['curl'] } } };
      const open = (checks: object, status: number) =>
        told(
          `POST ${sessions}`,
          status,
          sessions,
          token,
          { checks, userAgent, metadata: { a: 'YQ==' } },
          json,
        );
      const user = { userId: person.id };
      const { sessionId } = await open({ user, password: { password: person.password } }, 201);
      await open({ user, password: { password: 'not the password' } }, 400);
      await open({ user: { userId: '987654321' } }, 404);
      await told(`POST ${sessions}`, 415, sessions, token, {});

      const search = `${sessions}/search`;
      const query = (name: string, status: number) =>
        told(`POST ${search}`, status, search, token, { queries: [{ [name]: { ids: [sessionId] } }] }, json);
      await query('idsQuery', 200);
      await query('orQuery', 400);
      await told(`POST ${search}`, 401, search, null, {}, json);

      const path = `${sessions}/${sessionId}`;
      await told(`GET ${one}`, 200, path, token);
      await told(`GET ${one}`, 403, `${path}?sessionToken=x`, token);
      await told(`GET ${one}`, 404, `${sessions}/987654321`, token);
      const challenges = { otpEmail: { returnCode: {} } };
      await told(`PATCH ${one}`, 200, path, token, { challenges }, json);
      await told(`PATCH ${one}`, 429, path, token, { challenges }, json);
      await told(`PATCH ${one}`, 400, `${sessions}/987654321`, token, {}, json);
      await told(`DELETE ${one}`, 403, path, token, { sessionToken: 'x' }, json);
      await told(`DELETE ${one}`, 200, path, token);
      await told(`DELETE ${one}`, 200, path, token);
    });

    it('of the service itself', async () => {
      await told('GET /health/live', 200, '/health/live', null);
      await told('GET /health/ready', 200, '/health/ready', null);
      await told('GET /metrics', 200, '/metrics', null);
      await told('GET /.well-known/jwks.json', 200, '/.well-known/jwks.json', null);
    });

    it('on every route', () => {
      expect([...seen].sort()).toEqual(
        operationsOf(described)
          .map(([name]) => name)
          .sort(),
      );
    });
  });

  it('links below the path of PUBLIC_URL, where a proxy puts it', async () => {
    const below = await Latchkey.start({ PUBLIC_URL: 'https://example.com/auth' }, latchkey);
    try {
      const page = await request(below.url).get('/docs').expect(200);
      expect(page.text).toContain('data-url="/auth/openapi.json"');
      const { body } = await request(below.url).get('/openapi.json').expect(200);
      expect(body.servers).toEqual([{ url: 'https://example.com/auth' }]);
    } finally {
      await below.stop();
    }
  });

  it.each<[string, Record<string, string>]>([
    ['SECURITY 170: is not there when DOCS is false', { DOCS: 'false' }],
    ['SECURITY 176: is not there in production', { NODE_ENV: 'production', BCRYPT_COST: '10' }],
  ])('%s', async (_promise, settings) => {
    const silent = await Latchkey.start(settings, latchkey);
    try {
      for (const path of ['/openapi.json', '/docs', '/docs/start.js']) {
        await request(silent.url).get(path).expect(404);
      }
    } finally {
      await silent.stop();
    }
  });
});
