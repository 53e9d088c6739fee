import { afterAll, describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { setTimeout as sleep } from 'node:timers/promises';
import { document, type SignedInPerson } from '../support/door.js';
import { Deployment } from './deployment.js';

const deployment = new Deployment();
afterAll(() => deployment.cleanUp());

const SESSIONS = '/api/v2/sessions';

const signIn = (attributes: object) =>
  deployment.post(SESSIONS, null, document('sessions', { refreshable: true, ...attributes }));

describe('signing in', () => {
  it('opens a session and shows its token this once', async () => {
    const { email, password } = await deployment.addUser();
    const { body, headers } = await signIn({ email, password }).expect(201);
    expect(headers.location).toMatch(new RegExp(`${SESSIONS}/${body.data.id}$`));
    expect(body.data.attributes.token).toMatch(/^[0-9a-f-]{36}$/);
    const { body: read } = await deployment
      .get(`${SESSIONS}/${body.data.id}`, (await deployment.signIn({ email, password })).token)
      .expect(200);
    expect(read.data.attributes.token).toBeNull();
  });

  it('tells a wrong password, an unknown address and a closed user alike', async () => {
    const [person, closed] = [await deployment.addUser(), await deployment.addUser()];
    await deployment.delete(`/api/v2/users/${closed.id}`, deployment.admin.token).expect(204);
    const wrong = await signIn({ email: person.email, password: 'not the password' }).expect(401);
    const unknown = await signIn({ email: `no-${person.email}`, password: person.password }).expect(401);
    const over = await signIn({ email: closed.email, password: closed.password }).expect(401);
    expect([unknown.text, over.text]).toEqual([wrong.text, wrong.text]);
  });

  it('names what is missing', async () => {
    const { body } = await signIn({ email: 'someone@example.com' }).expect(422);
    expect(body.errors[0].source).toEqual({ pointer: 'data/attributes/password' });
  });
});

describe('sessions', () => {
  it('are listed, page by page, and filtered by what is known', async () => {
    const person = await deployment.asUser();
    for (let more = 0; more < 2; more++) await deployment.signIn(person);
    const { body } = await deployment.get(`${SESSIONS}?page[size]=2`, person.token).expect(200);
    expect(body.meta).toMatchObject({ total_count: 3, total_pages: 2 });
    expect(body.data).toHaveLength(2);
    const cursor = `${SESSIONS}?sort=id&page[after]=&page[size]=1&include=user&fields[users]=email`;
    const first = await deployment.get(cursor, person.token).expect(200);
    expect(first.body.included[0].attributes).toEqual({ email: person.email });
    const { search } = new URL(first.body.links.next);
    const second = await deployment.get(`${SESSIONS}${search}`, person.token).expect(200);
    expect(Number(second.body.data[0].id)).toBeGreaterThan(Number(first.body.data[0].id));
    const refused = await deployment.get(`${SESSIONS}?filter[colour]=red`, person.token).expect(400);
    expect(refused.body.errors[0].source).toEqual({ parameter: 'filter[colour]' });
  });

  it('are described by who they belong to, and are not there for anybody else', async () => {
    const [person, other] = [await deployment.asUser(), await deployment.asUser()];
    const path = `${SESSIONS}/${person.sessionId}`;
    const note = document('sessions', { note: 'the old laptop' }, { id: person.sessionId });
    const { body } = await deployment.patch(path, person.token, note).expect(200);
    expect(body.data.attributes.note).toBe('the old laptop');
    await deployment.get(path, other.token).expect(404);
    await deployment.patch(path, other.token, note).expect(404);
    await deployment.delete(path, other.token).expect(404);
    expect(await deployment.statusOf(person.token)).toBe(200);
  });

  it('are over once that is answered: whatever instance is asked, as often as it is', async () => {
    const person = await deployment.asUser();
    await deployment.delete(`${SESSIONS}/${person.sessionId}`, person.token).expect(204);
    const statuses = await Promise.all(Array.from({ length: 40 }, () => deployment.statusOf(person.token)));
    expect(new Set(statuses)).toEqual(new Set([401]));
  });

  it('let nobody in amid requests from everywhere, once their end is answered', async () => {
    const person = await deployment.asUser();
    let over = false;
    const heard: { sentAfter: boolean; status: number }[] = [];
    const clients = Array.from({ length: 8 }, async () => {
      for (let left = 3; left > 0; left -= over ? 1 : 0) {
        const sentAfter = over;
        heard.push({ sentAfter, status: await deployment.statusOf(person.token) });
      }
    });
    while (!heard.some(({ status }) => status === 200)) await sleep(5);
    await deployment.delete(`${SESSIONS}/${person.sessionId}`, person.token).expect(204);
    over = true;
    await Promise.all(clients);
    for (const { sentAfter, status } of heard) expect(sentAfter ? [401] : [200, 401]).toContain(status);
  });

  it('are revoked together, the asking one apart', async () => {
    const person = await deployment.asUser();
    const others = [await deployment.signIn(person), await deployment.signIn(person)];
    const { body } = await deployment.post(`${SESSIONS}/revoke`, person.token).expect(200);
    expect(body.meta.revoked).toBe(2);
    for (const { token } of others) expect(await deployment.statusOf(token)).toBe(401);
    expect(await deployment.statusOf(person.token)).toBe(200);
  });

  it('are renewed under new tokens, and a refresh token that comes twice ends them', async () => {
    const { email, password } = await deployment.addUser();
    const { body } = await signIn({ email, password }).expect(201);
    const { token } = body.data.attributes;
    const renewal = document('sessions', body.meta);
    const renewed = await deployment.post(`${SESSIONS}/refresh`, token, renewal).expect(200);
    const next = renewed.body.data.attributes.token as string;
    expect([await deployment.statusOf(token), await deployment.statusOf(next)]).toEqual([401, 200]);
    await deployment.post(`${SESSIONS}/refresh`, token, renewal).expect(401);
  });
});

describe('tokens for programs', () => {
  const machine = (person: SignedInPerson, readOnly: boolean) =>
    deployment.post(
      `${SESSIONS}/machine`,
      person.token,
      document('sessions', { name: 'acceptance', read_only: readOnly }),
    );

  it('are minted by a person, and a read-only one changes nothing', async () => {
    const person = await deployment.asUser();
    const { body } = await machine(person, true).expect(201);
    const { token } = body.data.attributes;
    expect(await deployment.statusOf(token)).toBe(200);
    const { body: refused } = await deployment.post(`${SESSIONS}/revoke`, token).expect(403);
    expect(refused.errors[0].code).toBe('read_only_session');
    await machine({ ...person, token }, false).expect(403);
  });

  it('are JWTs that the published keys verify, and that die with their session', async () => {
    const person = await deployment.asUser();
    const { body } = await deployment.post(`${SESSIONS}/jwt?expires_in=300`, person.token).expect(201);
    const jwks = await deployment.get('/.well-known/jwks.json', null).expect(200);
    const currentDate = new Date((body.payload.exp - 300) * 1000);
    const { payload } = await jwtVerify(body.jwt, createLocalJWKSet(jwks.body), { currentDate });
    expect(payload).toMatchObject({ user_id: Number(person.id), type: 'read-only' });
    expect(await deployment.statusOf(body.jwt)).toBe(200);
    await deployment.delete(`${SESSIONS}/${person.sessionId}`, person.token).expect(204);
    expect(await deployment.statusOf(body.jwt)).toBe(401);
  });
});

describe('users', () => {
  it('see themselves and nobody else, and add nobody', async () => {
    const [person, other] = [await deployment.asUser(), await deployment.asUser()];
    const { body } = await deployment.get('/api/v2/users/me', person.token).expect(200);
    expect(body.data.id).toBe(person.id);
    await deployment.get(`/api/v2/users/${other.id}`, person.token).expect(404);
    const draft = document('users', { email: `more-${person.email}`, password: person.password });
    await deployment.post('/api/v2/users', person.token, draft).expect(403);
  });

  it('change their password by proving it, which ends their other sessions', async () => {
    const person = await deployment.asUser();
    const other = await deployment.signIn(person);
    const change = (current_password: string) =>
      deployment.patch(
        `/api/v2/users/${person.id}`,
        person.token,
        document('users', { password: `${person.password} new`, current_password }, { id: person.id }),
      );
    await change('not the password').expect(422);
    expect(await deployment.statusOf(other.token)).toBe(200);
    await change(person.password).expect(200);
    expect([await deployment.statusOf(other.token), await deployment.statusOf(person.token)]).toEqual([
      401, 200,
    ]);
    await signIn({ email: person.email, password: person.password }).expect(401);
  });

  it('are closed with every session and token of theirs', async () => {
    const person = await deployment.asUser();
    const minted = document('sessions', { name: 'acceptance' });
    const { body } = await deployment.post(`${SESSIONS}/machine`, person.token, minted).expect(201);
    await deployment.delete(`/api/v2/users/${person.id}`, deployment.admin.token).expect(204);
    expect(await deployment.statusOf(person.token)).toBe(401);
    expect(await deployment.statusOf(body.data.attributes.token)).toBe(401);
  });
});

describe('proving oneself', () => {
  it('again, by the password, is remembered of the session', async () => {
    const person = await deployment.asUser();
    const of = (attributes: object) => document('verifications', attributes);
    const path = `${SESSIONS}/${person.sessionId}/verifications`;
    const { body } = await deployment.post(path, person.token, of({ level: 'first_factor' })).expect(201);
    const attempts = `/api/v2/verifications/${body.data.id}/attempts`;
    const proof = (password: string) => of({ strategy: 'password', password });
    await deployment.post(attempts, person.token, proof('not the password')).expect(422);
    const { body: done } = await deployment.post(attempts, person.token, proof(person.password)).expect(200);
    expect(done.data.attributes.status).toBe('complete');
  });

  it('by a second factor: a session that owes it opens nothing, and a code is good once', async () => {
    const person = await deployment.asUser();
    const { secret, recoveryCodes, enrollmentId } = await deployment.enableTwoFactor(person);
    const validate = (id: string, otp: string) =>
      deployment.put(
        `${SESSIONS}/${id}/validate_otp`,
        null,
        document('sessions', { otp, password: person.password }),
      );
    const pending = await deployment.signIn(person);
    expect((await deployment.get(SESSIONS, pending.token).expect(403)).body.errors[0].code).toBe(
      'otp_required',
    );
    await validate(pending.sessionId, 'no code').expect(422);

    const code = await deployment.code(secret, 1);
    const { body } = await validate(pending.sessionId, code).expect(200);
    expect([
      await deployment.statusOf(body.data.attributes.token),
      await deployment.statusOf(pending.token),
    ]).toEqual([200, 401]);
    const again = await deployment.signIn(person);
    await validate(again.sessionId, code).expect(422);
    await validate(again.sessionId, recoveryCodes[0]!).expect(200);
    const third = await deployment.signIn(person);
    await validate(third.sessionId, recoveryCodes[0]!).expect(422);

    const opened = await Promise.all([1, 2, 3, 4].map(() => deployment.signIn(person)));
    const answers = await Promise.all(opened.map(({ sessionId }) => validate(sessionId, recoveryCodes[2]!)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 422, 422, 422]);

    const off = document('otp_enrollments', { password: person.password, otp: recoveryCodes[1] });
    await deployment.delete(`/api/v2/otp_enrollments/${enrollmentId}`, person.token, off).expect(204);
    const { token } = await deployment.signIn(person);
    expect(await deployment.statusOf(token)).toBe(200);
  });
});

describe('what happened', () => {
  it('is told to whoever may know, and to nobody else', async () => {
    const person = await deployment.asUser();
    const path = `/api/v2/events?filter[user_id]=${person.id}`;
    const { body } = await deployment.get(path, deployment.admin.token).expect(200);
    const actions = (body.data as { attributes: { action: string } }[]).map(
      ({ attributes }) => attributes.action,
    );
    expect(actions).toEqual(expect.arrayContaining(['user.create', 'session.open']));
    await deployment.get(path, person.token).expect(403);
  });
});
