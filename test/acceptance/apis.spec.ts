import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Response } from 'supertest';
import { toLendixId } from '../../src/faces/lendix/translate.js';
import { askEverywhere, enter, lendix, type Api, type Seat } from '../support/apis.js';
import { ClerkBrowser } from '../support/clerk-browser.js';
import type { SignedInPerson } from '../support/door.js';
import { PortosClient } from '../support/portos.js';
import { ZitadelClient } from '../support/zitadel.js';
import { Deployment, describeServed, itInQaMode, SERVED } from './deployment.js';

const deployment = new Deployment();
afterAll(() => deployment.cleanUp());

const statuses = (answers: readonly Response[]) => answers.map(({ status }) => status);

/** The answers of those APIs that the deployment serves and that take tokens. */
async function statusesOf(token: string, userId: string): Promise<number[]> {
  const answers = statuses(await askEverywhere(deployment, token, userId));
  return answers.filter((_, index) =>
    SERVED.includes((['native', 'lendix', 'portos', 'zitadel'] as const)[index]!),
  );
}

describe('one story through all APIs', () => {
  let person: SignedInPerson;
  let seats: Seat[];

  beforeAll(async () => {
    person = await deployment.asUser();
    seats = [];
    for (const api of SERVED) seats.push(await enter(api, deployment, person, deployment.admin));
  });

  it.each(SERVED)('%s shows the sessions that were opened through all the others', async (api) => {
    const opened = [person.sessionId, ...seats.map(({ sessionId }) => sessionId)];
    expect((await seatOf(api).sessionIds(deployment)).sort()).toEqual(opened.sort());
  });

  it.each(SERVED)('%s ends a session of every API, and none lets it in any more', async (revoker) => {
    for (const opener of SERVED) {
      const seat = await enter(opener, deployment, person, deployment.admin);
      expect((await seat.ask(deployment)).status).toBe(200);
      expect((await seatOf(revoker).revoke(deployment, seat.sessionId)).status).toBeLessThan(300);
      expect((await seat.ask(deployment)).status).toBe(401);
      if (seat.token !== null) {
        expect(new Set(await statusesOf(seat.token, person.id))).toEqual(new Set([401]));
      }
    }
  });

  const seatOf = (api: Api) => seats.find((seat) => seat.api === api)!;
});

describe('a second factor', () => {
  it('is asked for by every API, and a code of it lets in', async () => {
    const person = await deployment.asUser();
    const { recoveryCodes } = await deployment.enableTwoFactor(person);
    for (const [index, api] of SERVED.entries()) {
      const seat = await enter(api, deployment, person, deployment.admin, () => recoveryCodes[index]!);
      expect((await seat.ask(deployment)).status).toBe(200);
    }
  });
});

describeServed('lendix', 'Lendix', () => {
  it('refuses wrong credentials, and a token without its user, in its own words', async () => {
    const { email } = await deployment.addUser();
    const wrong = await lendix(deployment, 'post', '/sessions', null, { email, password: 'wrong' }).expect(
      401,
    );
    expect(Object.keys(wrong.body)).toEqual([expect.stringMatching(/^errors?$/)]);
    await deployment.get('/lendix/sessions', null).set('sessionToken', deployment.admin.token).expect(401);
  });

  it('signs out', async () => {
    const { id, token } = await deployment.asUser();
    const seat = { token, userId: id };
    const { body } = await lendix(deployment, 'get', '/sessions', seat).expect(200);
    expect(body.sessions).toHaveLength(1);
    const ended = await lendix(deployment, 'delete', `/sessions/${body.sessions[0].id}`, seat).expect(200);
    expect(ended.body).toEqual({});
    expect(await deployment.statusOf(token)).toBe(401);
  });

  itInQaMode('secures a session by a code that was mailed', async () => {
    const person = await deployment.asUser();
    const seat = { token: person.token, userId: person.id };
    const path = `/sessions/${toLendixId(person.sessionId)}`;
    const byMail = { secured: true, codeOrigin: 'email' };
    const sent = await lendix(deployment, 'post', path, seat, byMail).expect(200);
    expect(sent.body.session.secured).toBe(false);
    const code = await deployment.sentCode(person);
    const { body } = await lendix(deployment, 'post', path, seat, { code }).expect(200);
    expect(body.session.secured).toBe(true);
  });
});

describeServed('clerk', 'Clerk', () => {
  it('lets a native app hold a session, mints its tokens, and ends it', async () => {
    const app = new ClerkBrowser(deployment);
    const id = await app.signIn(await deployment.addUser());
    const claims = await app.claims(id);
    expect(claims.sid).toBe(id);
    await app.post(`/client/sessions/${id}/end`).expect(200);
    expect(await app.statusOf(id)).toBeGreaterThanOrEqual(400);
  });

  itInQaMode('verifies a session again by a code that was mailed', async () => {
    const person = await deployment.addUser();
    const app = new ClerkBrowser(deployment);
    const path = `/client/sessions/${await app.signIn(person)}/verify`;
    await app.post(path, { level: 'first_factor' }).expect(200);
    await app.post(`${path}/prepare_first_factor`, { strategy: 'email_code' }).expect(200);
    const form = { strategy: 'email_code', code: await deployment.sentCode(person) };
    const { body } = await app.post(`${path}/attempt_first_factor`, form).expect(200);
    expect(body.response.status).toBe('complete');
  });

  it('refuses wrong credentials in its own words, and signs nobody in for a page of anywhere', async () => {
    const { email, password } = await deployment.addUser();
    const app = new ClerkBrowser(deployment);
    const { body } = await app.post('/client/sign_ins', { identifier: email, password: 'wrong' }).expect(422);
    expect(body.errors[0].code).toBe('form_password_incorrect');
    const page = new ClerkBrowser(deployment, 'https://elsewhere.invalid');
    const form = { identifier: email, password };
    const refused = await page.post('/client/sign_ins', form).set('Sec-Fetch-Site', 'cross-site').expect(403);
    expect(refused.headers['access-control-allow-origin']).toBeUndefined();
  });
});

describeServed('portos', 'PORTOS', () => {
  it('signs in, refreshes under new tokens, and signs out', async () => {
    const portos = new PortosClient(deployment);
    const { tokenId, refreshToken } = await portos.signIn(await deployment.addUser());
    const { body } = await portos.post('/api/auth/refresh', null, { tokenId, refreshToken }).expect(200);
    await portos.get('/api/auth', tokenId).expect(401);
    await portos.get('/api/auth', body.tokenId).expect(200);
    await portos.delete('/api/auth', body.tokenId).expect(204);
    const { body: problem } = await portos.get('/api/auth', body.tokenId).expect(401);
    expect(problem).toMatchObject({ status: 401, errorCode: 1 });
  });
});

describeServed('zitadel', 'ZITADEL', () => {
  const zitadel = new ZitadelClient(deployment);

  it('composes a session check by check, each time under a new token', async () => {
    const person = await deployment.addUser();
    const { token } = deployment.admin;
    const named = await zitadel.create(token, { checks: { user: { userId: person.id } } }).expect(201);
    const { sessionId, sessionToken } = named.body;
    expect(await deployment.statusOf(sessionToken)).toBeGreaterThanOrEqual(401);
    const check = { checks: { password: { password: person.password } } };
    const { body } = await zitadel.set(sessionId, token, check).expect(200);
    expect([await deployment.statusOf(sessionToken), await deployment.statusOf(body.sessionToken)]).toEqual([
      401, 200,
    ]);
    await zitadel.delete(sessionId, token, { sessionToken: body.sessionToken }).expect(200);
    expect(await deployment.statusOf(body.sessionToken)).toBe(401);
  });

  it('hands a code over to the application, which is good once', async () => {
    const person = await deployment.addUser();
    const { token } = deployment.admin;
    const opening = {
      checks: { user: { userId: person.id }, password: { password: person.password } },
      challenges: { otpEmail: { returnCode: {} } },
    };
    const { sessionId, challenges } = (await zitadel.create(token, opening).expect(201)).body;
    const check = { checks: { otpEmail: { code: challenges.otpEmail } } };
    await zitadel.set(sessionId, token, check).expect(200);
    await zitadel.set(sessionId, token, check).expect(400);
    const { body } = await zitadel.get(sessionId, token).expect(200);
    expect(body.session.factors.otpEmail.verifiedAt).toEqual(expect.any(String));
  });

  it('refuses a wrong password in its own words', async () => {
    const person = await deployment.addUser();
    const checks = { user: { userId: person.id }, password: { password: 'wrong' } };
    const { body } = await zitadel.create(deployment.admin.token, { checks }).expect(400);
    expect(body).toMatchObject({ code: 3, message: expect.stringMatching(/password/i) });
  });
});
