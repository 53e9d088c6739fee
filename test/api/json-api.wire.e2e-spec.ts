import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { JsonApiStage, type StagedRoute } from '../support/json-api-stage.js';
import { document, JSON_API, Latchkey } from '../support/latchkey.js';

// The clauses are those of JSONAPI.md §2. The stage fails on any answer that is no JSON:API document of bare type.

const URI = 'https://example.com/ext';

let stage: JsonApiStage;
beforeAll(async () => void (stage = await JsonApiStage.set()));
afterAll(() => stage.stop());

/** What `askAll` says when every route answers alike. */
const allSay = (said: string, where: (route: StagedRoute) => boolean = () => true) =>
  stage.routes.filter(where).map(({ name }) => `${name}: ${said}`);

const source = ({ errors }: { errors: { source: object }[] }) => JSON.stringify(errors[0]!.source);
const getSessions = (headers: Record<string, string>) => stage.send({ path: '/api/v2/sessions', headers });

describe('negotiation', () => {
  it('knows the routes that it is about', () => {
    expect(stage.routes.length).toBeGreaterThanOrEqual(21);
  });

  it.each([
    ['a charset', `${JSON_API}; charset=utf-8`],
    ['any other parameter', `${JSON_API};version=1`],
    ['a parameter beside a profile', `${JSON_API}; profile="${URI}"; a=b`],
  ])('JSONAPI 3: 415 for a Content-Type with %s, on every route, GET too', async (_, contentType) => {
    const before = await stage.rows();
    const said = await stage.askAll(
      () => ({ headers: { 'Content-Type': contentType } }),
      undefined,
      ({ status, body }) => `${status} ${source(body)}`,
    );
    expect(said).toEqual(allSay('415 {"header":"Content-Type"}'));
    expect(await stage.rows()).toEqual(before);
  });

  it('JSONAPI 4: 415 for an extension that nobody knows, on every route', async () => {
    const headers = { 'Content-Type': `${JSON_API}; ext="${URI}"` };
    expect(await stage.askAll(() => ({ headers }))).toEqual(allSay('415'));
  });

  it('JSONAPI 5: unknown profiles are ignored, in Content-Type and in Accept', async () => {
    const type = `${JSON_API}; profile="${URI} https://example.com/another"`;
    await expect(getSessions({ 'Content-Type': type, Accept: type })).resolves.toMatchObject({ status: 200 });
    const body = JSON.stringify(
      document('sessions', { email: stage.other.email, password: stage.other.password }),
    );
    const signIn = { method: 'POST', path: '/api/v2/sessions', token: null, body };
    expect(await stage.send({ ...signIn, headers: { 'Content-Type': type } })).toMatchObject({ status: 201 });
  });

  it.each([
    ['6: another parameter', `${JSON_API}; charset=utf-8`],
    ['6: another parameter in each of two', `${JSON_API}; charset=utf-8, ${JSON_API};a=b, text/html`],
    ['7: an unknown extension', `${JSON_API}; ext="${URI}"`],
  ])('JSONAPI %s in every instance of Accept is a 406, on every route', async (_, accept) => {
    const before = await stage.rows();
    const said = await stage.askAll(
      () => ({ headers: { Accept: accept } }),
      undefined,
      ({ status, body }) => `${status} ${source(body)}`,
    );
    expect(said).toEqual(allSay('406 {"header":"Accept"}'));
    expect(await stage.rows()).toEqual(before);
  });

  it.each([
    ['8: one usable instance among others', `${JSON_API}; ext="${URI}", ${JSON_API};a=b, ${JSON_API}; q=0.3`],
    ['9: a weight', `${JSON_API};q=0.5`],
    ['9: any type', '*/*'],
    ['9: any application', 'application/*;q=0.2'],
    [
      '9: what the contract sends',
      'text/xml,application/xml,application/xhtml+xml,text/html;q=0.9,*/*;q=0.5',
    ],
    ['10: capitals', 'Application/VND.API+JSON'],
    ['10: a semicolon and a comma in quotes', `${JSON_API}; profile="https://example.com/a;b,c"`],
  ])('JSONAPI %s is accepted', async (_, accept) => {
    expect(await getSessions({ Accept: accept })).toMatchObject({ status: 200 });
  });

  it('JSONAPI 9: no Accept at all is fine on every route that answers without changing anything', async () => {
    const isSafe = ({ method }: StagedRoute) => method === 'GET';
    expect(await stage.askAll(() => ({}), isSafe)).toEqual(allSay('200', isSafe));
  });

  it('JSONAPI 10: types compare without case, and quoted values may hold anything', async () => {
    const type = 'APPLICATION/Vnd.Api+Json; PROFILE="https://example.com/a;b,c=d"';
    expect(await getSessions({ 'Content-Type': type })).toMatchObject({ status: 200 });
    expect(await getSessions({ 'Content-Type': `${type};x="; profile=y"` })).toMatchObject({ status: 415 });
  });

  it('JSONAPI 11: extensions named inside a document take no part', async () => {
    const { sessionId: id } = stage.admin;
    const path = `/api/v2/sessions/${id}`;
    const jsonapi = { version: '1.1', ext: [URI], profile: [URI] };
    const patch = { jsonapi, ...document('sessions', { name: 'x' }, { id }) };
    expect(await stage.sendDocument('PATCH', path, patch)).toMatchObject({ status: 200 });
  });

  it('JSONAPI 12: the profile that was applied is named', async () => {
    const { headers } = await stage.send({ path: '/api/v2/sessions?page[after]=' });
    expect(headers['content-type']).toContain('cursor-pagination');
  });

  it('JSONAPI 13: every answer varies by Accept', async () => {
    const said = await stage.askAll(
      () => ({ headers: { Accept: '*/*' } }),
      ({ method }) => method === 'GET',
      ({ headers }) => String(headers.vary?.includes('Accept')),
    );
    expect(said).toEqual(allSay('true', ({ method }) => method === 'GET'));
  });
});

describe('the framework', () => {
  it.each([
    ['broken', '{"data":'],
    ['followed by more', '{} {}'],
    ['cut in a string', '{"data":{"type":"sessions'],
  ])('JSONAPI 1: JSON that is %s is a 400 document on every route', async (_, body) => {
    const before = await stage.rows();
    const ask = () => ({ headers: { 'Content-Type': JSON_API }, body });
    const said = await stage.askAll(ask, undefined, ({ status, body: { errors } }) => {
      return `${status} ${errors[0].code} ${JSON.stringify(errors[0].source)}`;
    });
    expect(said).toEqual(allSay('400 bad_request {}'));
    expect(await stage.rows()).toEqual(before);
  });

  it('JSONAPI 1: a body of more than 64 KiB is a 413 document on every route', async () => {
    const before = await stage.rows();
    const body = JSON.stringify({ data: 'x'.repeat(65_536) });
    expect(await stage.askAll(() => ({ headers: { 'Content-Type': JSON_API }, body }))).toEqual(
      allSay('413'),
    );
    expect(await stage.rows()).toEqual(before);
  });

  it.each([
    '/api/v2',
    '/api/v2/',
    '/api/v2/nothing',
    '/api/v2/sessions/1/nothing',
    '/api/v2/sessions/1/relationships/user',
    '/api/v2/sessions/1/user',
    '/api/v2/users/1/sessions/1',
    '/api/v2//sessions',
    '/api/v2/otp_enrollments/1/nothing',
  ])('JSONAPI 1, 31: %s is a 404 document by every method', async (path) => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      const { status, body } = await stage.send({ method, path });
      expect([status, body.errors[0].code]).toEqual([404, 'not_found']);
    }
  });

  it.each([
    ['/api/v2/sessions', 'GET, HEAD, OPTIONS, POST'],
    ['/api/v2/sessions/1', 'DELETE, GET, HEAD, OPTIONS, PATCH'],
    ['/api/v2/sessions/1/validate_otp', 'OPTIONS, PUT'],
    ['/api/v2/users', 'GET, HEAD, OPTIONS, POST'],
    ['/api/v2/users/1', 'DELETE, GET, HEAD, OPTIONS, PATCH'],
    ['/api/v2/users/1/otp_enrollments', 'OPTIONS, POST'],
    ['/api/v2/otp_enrollments/1', 'DELETE, GET, HEAD, OPTIONS'],
    ['/api/v2/otp_enrollments/1/confirm', 'OPTIONS, PUT'],
    ['/api/v2/otp_enrollments/1/recovery_codes', 'OPTIONS, POST'],
  ])('JSONAPI 1: any other method on %s is a 405 document that names %s', async (path, allow) => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      if (allow.includes(method)) continue;
      const { status, headers, body } = await stage.send({ method, path });
      expect([status, headers.allow, body.errors[0].code]).toEqual([405, allow, 'method_not_allowed']);
    }
  });

  it('JSONAPI 1: with the database away every route answers a 503 document and when to try again', async () => {
    const beside = await Latchkey.start({}, stage.latchkey);
    const { master } = beside.app.get(DataSource).driver as unknown as { master: Pool };
    await master.end();
    const said = await stage.askAll(
      () => ({ base: beside.url }),
      undefined,
      ({ status, headers, body }) => `${status} ${body.errors[0].code} ${Number(headers['retry-after']) > 0}`,
    );
    await beside.stop().catch(() => undefined); // it would end the pool once more
    expect(said).toEqual(allSay('503 unavailable true'));
  });
});

describe('errors', () => {
  it('JSONAPI 53, 54, 55: every refusal is an array of error objects with the status in words', async () => {
    const said = await stage.askAll(
      () => ({ headers: { 'X-Auth-Token': 'nobody' }, token: null }),
      ({ name }) => name !== 'POST /api/v2/sessions' && !name.includes('validate_otp'),
      ({ status, body: { errors } }) => `${status} ${errors.length} ${errors[0].status} ${errors[0].code}`,
    );
    expect(new Set(said.map((line) => line.split(': ')[1]))).toEqual(
      new Set(['401 1 401 invalid_auth_token']),
    );
  });

  it('JSONAPI 56: a pointer points at what was sent', async () => {
    const body = document('users', { email: 'nobody', password: 'short', rights: ['*'] });
    const { status, body: answer } = await stage.sendDocument('POST', '/api/v2/users', body);
    expect(status).toBe(422);
    const pointers = answer.errors.map(({ source: { pointer } }: { source: { pointer: string } }) => pointer);
    expect(pointers.sort()).toEqual(['email', 'password', 'rights'].map((name) => `data/attributes/${name}`));
  });

  it('JSONAPI 57: where there was no document nothing points into one', async () => {
    const isWrite = ({ body }: StagedRoute) => body !== undefined;
    const said = await stage.askAll(
      () => ({ body: undefined }),
      isWrite,
      ({ status, body }) => `${status} ${source(body)}`,
    );
    expect(said).toEqual(allSay('400 {}', isWrite));
  });

  it('JSONAPI 57: a query or a header problem names the parameter or the header', async () => {
    const { body } = await stage.send({ path: '/api/v2/sessions?page%5Bsize%5D=0' });
    expect(body.errors[0].source).toEqual({ parameter: 'page[size]' });
    const conflict = await stage.send({
      path: '/api/v2/sessions',
      headers: { Authorization: 'Bearer other' },
    });
    expect([conflict.status, source(conflict.body)]).toEqual([400, '{"header":"Authorization"}']);
  });

  it('JSONAPI 59: a 401 says how to sign in', async () => {
    for (const token of [null, 'nobody', '']) {
      const { status, headers } = await stage.send({ path: '/api/v2/sessions', token });
      expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer realm="latchkey"']);
    }
  });
});
