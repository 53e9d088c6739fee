import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Test } from 'supertest';
import { OPERATOR } from '../../src/caller.js';
import { JwtTemplatesService } from '../../src/keys/jwt-templates.service.js';
import { fromId, toId } from '../../src/faces/clerk/ids.js';
import { ClerkBrowser, claimsOf, errorOf, ORIGIN, SETTINGS } from '../support/clerk-browser.js';
import { Latchkey, type Person } from '../support/latchkey.js';
import { addOrganization, organizationsOf } from '../support/organizations.js';
import { asCareful } from '../support/second-factor.js';

let latchkey: Latchkey;
let browser: ClerkBrowser;
let person: Person;
let sessionId: string;

beforeAll(async () => {
  latchkey = await Latchkey.start(SETTINGS);
  const templates = latchkey.app.get(JwtTemplatesService, { strict: false });
  const claims = { email: '{{user.primary_email_address}}', role: "{{org.role || 'none'}}" };
  await templates.put(OPERATOR, { name: 'billing', claims, lifetimeSeconds: 120 });
});
afterAll(() => latchkey.stop());

beforeEach(async () => {
  browser = new ClerkBrowser(latchkey);
  person = await latchkey.addUser();
  sessionId = await browser.signIn(person);
});

const at = (id: string, rest = '') => `/client/sessions/${id}${rest}`;
/** The ids of the sessions that the browser shows. */
async function shown(): Promise<string[]> {
  const { body } = await browser.get('/client').expect(200);
  return body.response.sessions.map((session: { id: string }) => session.id);
}

/** A session of somebody else in another browser, one that nobody has, and what is no id. */
async function unknownIds(): Promise<string[]> {
  const foreign = await new ClerkBrowser(latchkey).signIn(await latchkey.addUser());
  return [foreign, 'sess_zzzzzzzzzz', 'sess_0', `${sessionId}x`.replace('x', '_'), '1', 'sess_', '%00', "'"];
}

describe('200', () => {
  it('DELETE /client/sessions removes every session of the browser and keeps the credential', async () => {
    const other = await browser.signIn(await latchkey.addUser());
    const cookie = browser.cookie;
    const { body, headers } = await browser.delete('/client/sessions').expect(200);
    expect(body.response).toMatchObject({ object: 'client', sessions: [], last_active_session_id: null });
    expect(headers['set-cookie']).toBeUndefined();
    expect(browser.cookie).toBe(cookie);
    for (const id of [sessionId, other]) expect(await browser.statusOf(id)).toBe(401);
    const ids = [sessionId, other].map((id) => fromId('session', id));
    const rows = await latchkey.sql<{ status: string }>('SELECT status FROM sessions WHERE id = ANY ($1)', [
      ids,
    ]);
    expect(rows.map(({ status }) => status)).toEqual(['removed', 'removed']);
  });

  it('DELETE /client/sessions leaves no session behind that ended before', async () => {
    await browser.post(`${at(sessionId)}/end`).expect(200);
    const { body } = await browser.delete('/client/sessions').expect(200);
    expect(body.response).toMatchObject({ sessions: [] });
    await browser.get(at(sessionId)).expect(404);
  });

  it('GET shows a session, and the client beside it', async () => {
    const { body } = await browser.get(at(sessionId)).expect(200);
    expect(body.response).toMatchObject({
      object: 'session',
      id: sessionId,
      status: 'active',
      user: { id: toId('user', person.id), primary_email_address_id: toId('emailAddress', person.id) },
      public_user_data: { identifier: person.email },
      factor_verification_age: [0, -1],
    });
    expect(body.client.sessions).toEqual([body.response]);
  });

  it('counts whole minutes since each factor was proved', async () => {
    latchkey.clock.move(119_000);
    const { body } = await browser.get(at(sessionId)).expect(200);
    expect(body.response.factor_verification_age).toEqual([1, -1]);
    expect(await browser.claims(sessionId)).toMatchObject({ fva: [1, -1] });
  });

  it('touch makes a session the one that is used, and lets the browser live on', async () => {
    const second = await browser.signIn(await latchkey.addUser());
    const before = (await browser.get('/client')).body.client.cookie_expires_at as number;
    latchkey.clock.move(86_400_001);
    const { body, headers } = await browser.post(at(sessionId, '/touch')).expect(200);
    expect(body.response.id).toBe(sessionId);
    expect(body.client.last_active_session_id).toBe(sessionId);
    expect(body.client.cookie_expires_at).toBeGreaterThan(before + 86_400_000);
    expect(headers['set-cookie']).toHaveLength(1);
    expect(await browser.statusOf(second)).toBe(200);
  });

  it.each(['id', 'slug'] as const)(
    'touch lets a session act for an organisation by its %s, and for none',
    async (by) => {
      const organization = await addOrganization(latchkey, [person], { role: 'admin' });
      const named = by === 'id' ? toId('organization', organization.id) : organization.slug;
      const { body } = await browser
        .post(at(sessionId, '/touch'), { active_organization_id: named })
        .expect(200);
      expect(body.response.last_active_organization_id).toBe(toId('organization', organization.id));
      expect(body.response.user.organization_memberships).toMatchObject([
        { role: 'org:admin', organization: { slug: organization.slug } },
      ]);
      expect(await browser.claims(sessionId)).toMatchObject({ o: { slg: organization.slug, rol: 'admin' } });
      await browser.post(at(sessionId, '/touch')).expect(200);
      expect(await browser.claims(sessionId)).toHaveProperty('o');
      const left = await browser.post(at(sessionId, '/touch'), { active_organization_id: '' }).expect(200);
      expect(left.body.response.last_active_organization_id).toBeNull();
      expect(await browser.claims(sessionId)).not.toHaveProperty('o');
    },
  );

  it('end ends a session, which stays in sight for a day', async () => {
    const { body } = await browser.post(at(sessionId, '/end')).expect(200);
    expect(body.response).toMatchObject({ id: sessionId, status: 'ended' });
    expect(body.client).toMatchObject({ last_active_session_id: null, sessions: [{ status: 'ended' }] });
    expect(await browser.statusOf(sessionId)).toBe(401);
    latchkey.clock.move(86_400_000);
    expect(await shown()).toEqual([]);
  });

  it('remove ends a session, which is gone', async () => {
    const { body } = await browser.post(at(sessionId, '/remove')).expect(200);
    expect(body.response).toMatchObject({ id: sessionId, status: 'removed' });
    expect(body.client.sessions).toEqual([]);
    expect(await browser.statusOf(sessionId)).toBe(401);
  });

  it('tokens gives a session token of version 2, good for a minute', async () => {
    const claims = await browser.claims(sessionId);
    expect(claims).toMatchObject({
      sid: sessionId,
      sub: toId('user', person.id),
      azp: ORIGIN,
      v: 2,
      sts: 'active',
    });
    expect(Number(claims.exp) - Number(claims.iat)).toBe(60);
    expect(claims.iss).toMatch(/\/clerk$/);
  });

  it('tokens speaks of the organisation that is asked for, and leaves that of the session as it is', async () => {
    const organization = await addOrganization(latchkey, [person]);
    const other = await addOrganization(latchkey, [person]);
    await browser.post(at(sessionId, '/touch'), { active_organization_id: organization.slug }).expect(200);
    const form = { organization_id: toId('organization', other.id), tab_state: 'focused', force_origin: 'x' };
    expect(await browser.claims(sessionId, form)).toMatchObject({ o: { slg: other.slug } });
    expect(await browser.claims(sessionId, { organization_id: '' })).not.toHaveProperty('o');
    expect(await browser.claims(sessionId)).toMatchObject({ o: { slg: organization.slug } });
  });

  it('SECURITY 63: who left an organisation gets no token for it', async () => {
    const organization = await addOrganization(latchkey, [person]);
    await browser.post(at(sessionId, '/touch'), { active_organization_id: organization.slug }).expect(200);
    await organizationsOf(latchkey).removeMember(OPERATOR, organization.id, person.id);
    expect(await browser.claims(sessionId)).not.toHaveProperty('o');
  });

  it('tokens/:template_name gives a token after a template', async () => {
    const { body } = await browser.post(at(sessionId, '/tokens/billing')).expect(200);
    const claims = claimsOf(body.jwt as string);
    expect(claims).toMatchObject({ email: person.email, role: 'none', sub: toId('user', person.id) });
    expect(Number(claims.exp) - Number(claims.iat)).toBe(120);
    expect(claims).not.toHaveProperty('sid');
  });

  it('me/sessions shows the sessions of one user, wherever they are', async () => {
    const native = await latchkey.signIn(person);
    await browser.signIn(await latchkey.addUser());
    const { body } = await browser.get(`/me/sessions?_clerk_session_id=${sessionId}`).expect(200);
    const ids = [toId('session', native.sessionId), sessionId];
    expect(body.map((session: { id: string }) => session.id)).toEqual(ids);
    const active = await browser.get(`/me/sessions/active?_clerk_session_id=${sessionId}`).expect(200);
    expect(active.body).toMatchObject(
      ids.map((id) => ({ id, user: null, latest_activity: { ip_address: '127.0.0.1' } })),
    );
    const last = await browser.get('/me/sessions').expect(200);
    expect(last.body).toHaveLength(1);
  });

  it('me/sessions/:id/revoke ends a session somewhere else', async () => {
    const native = await latchkey.signIn(person);
    const id = toId('session', native.sessionId);
    const { body } = await browser.post(`/me/sessions/${id}/revoke`).expect(200);
    expect(body.response).toMatchObject({ id, status: 'revoked' });
    await latchkey.get('/api/v2/sessions/current', native.token).expect(401);
  });

  it('what is revoked through another API is over here at the next request', async () => {
    const { token } = await latchkey.signIn(person);
    await latchkey.delete(`/api/v2/sessions/${fromId('session', sessionId)}`, token).expect(204);
    expect(await browser.statusOf(sessionId)).toBe(401);
    await browser.get(at(sessionId)).expect(404);
    expect(await shown()).toEqual([]);
  });
});

describe('400', () => {
  it.each(['end', 'remove', 'touch'])('%s does nothing to a session that ended', async (verb) => {
    await browser.post(at(sessionId, '/end')).expect(200);
    const answer = await browser.post(at(sessionId, `/${verb}`)).expect(400);
    expect(errorOf(answer)).toEqual(['invalid_action_for_session']);
  });

  it('does nothing to a session that expired', async () => {
    latchkey.clock.move(14 * 86_400_000);
    await browser.post(at(sessionId, '/end')).expect(400);
    expect(await shown()).toEqual([]);
  });
});

describe('401', () => {
  const ROUTES: [method: 'get' | 'post', path: string][] = [
    ['get', '/:id'],
    ...['touch', 'end', 'remove', 'tokens', 'tokens/billing', 'verify'].map((verb): ['post', string] => [
      'post',
      `/:id/${verb}`,
    ]),
    ...['prepare_first_factor', 'attempt_first_factor', 'prepare_second_factor', 'attempt_second_factor'].map(
      (step): ['post', string] => ['post', `/:id/verify/${step}`],
    ),
  ];
  it.each(ROUTES)(
    'SECURITY 132: %s /client/sessions%s asks for a browser’s own credential',
    async (method, path) => {
      const { token } = await latchkey.signIn(person);
      const url = `/client/sessions${path.replace(':id', sessionId)}`;
      const forged = [
        'A'.repeat(43),
        `${browser.cookie!.slice(0, -1)}=`,
        browser.cookie!.toUpperCase(),
        token,
        '',
        '%00',
      ];
      for (const cookie of [null, ...forged]) {
        const stranger = new ClerkBrowser(latchkey);
        stranger.cookie = cookie;
        const answer = await stranger.call(method, url).expect(401);
        expect(errorOf(answer)).toEqual(['authentication_invalid']);
      }
      expect(await browser.statusOf(sessionId)).toBe(200);
    },
  );

  it('DELETE /client/sessions without a credential', async () => {
    browser.cookie = null;
    await browser.delete('/client/sessions').expect(401);
  });

  it('tokens of a session that is over', async () => {
    await browser.post(at(sessionId, '/remove')).expect(200);
    await browser.post(at(sessionId, '/tokens')).expect(401);
    await browser.post(at(sessionId, '/tokens/billing')).expect(401);
  });

  it('tokens by template of a session that the browser does not hold', async () => {
    for (const id of await unknownIds()) await browser.post(at(id, '/tokens/billing')).expect(401);
  });

  it('me, once nobody is signed in', async () => {
    await browser.delete('/client/sessions').expect(200);
    await browser.get('/me/sessions').expect(401);
    await browser.get(`/me/sessions?_clerk_session_id=${sessionId}`).expect(401);
    await browser.get('/me/sessions/active?_clerk_session_id=nonsense').expect(401);
  });

  // Each by itself: what closes a user ends their sessions too, and what ends a session leaves its browser.
  it.each([
    ['a closed user', `UPDATE users SET status = 'closed' FROM s WHERE users.id = s.user_id`],
    ['an expired session', `UPDATE sessions SET expires_at = now() FROM s WHERE sessions.id = s.id`],
    [
      'an ended session',
      `UPDATE sessions SET status = 'ended', ended_at = now() FROM s WHERE sessions.id = s.id`,
    ],
    ['an expired browser', `UPDATE browsers SET expires_at = now() FROM s WHERE browsers.id = s.browser_id`],
  ])('whatever asks for somebody, from %s', async (_, update) => {
    const asks = [
      () => browser.get('/me/sessions'),
      () => browser.get(`/me/sessions/active?_clerk_session_id=${sessionId}`),
      () => browser.post(at(sessionId, '/tokens')),
      () => browser.post(`/me/sessions/${sessionId}/revoke`),
    ];
    for (const ask of asks.slice(0, 3)) await ask().expect(200);
    await latchkey.sql(`WITH s AS (SELECT * FROM sessions WHERE user_id = $1) ${update}`, [person.id]);
    for (const ask of asks) await ask().expect(401);
  });

  it('a password that was changed, for every session of the user', async () => {
    const { token } = await latchkey.signIn(person);
    const attributes = { password: 'another horse battery', current_password: person.password };
    const data = { type: 'users', id: person.id, attributes };
    await latchkey.patch(`/api/v2/users/${person.id}`, token, { data }).expect(200);
    expect(await browser.statusOf(sessionId)).toBe(401);
  });
});

describe('404', () => {
  const CALLS: [string, (id: string) => Test][] = [
    ['GET', (id) => browser.get(at(id))],
    ...['touch', 'end', 'remove', 'tokens'].map((verb): [string, (id: string) => Test] => [
      verb,
      (id) => browser.post(at(id, `/${verb}`)),
    ]),
    ['me/sessions/:id/revoke', (id) => browser.post(`/me/sessions/${id}/revoke`)],
  ];
  it.each(CALLS)('SECURITY 63, 132: %s knows only what the browser holds', async (_, call) => {
    for (const id of await unknownIds()) {
      const answer = await call(id);
      expect([id, answer.status, errorOf(answer)]).toEqual([id, 404, ['resource_not_found']]);
    }
    expect(await browser.statusOf(sessionId)).toBe(200);
  });

  it('SECURITY 132: DELETE /client/sessions under a credential that is no browser’s', async () => {
    browser.cookie = 'A'.repeat(43);
    await browser.delete('/client/sessions').expect(404);
  });

  it('SECURITY 132: an administrator’s browser holds no more than anybody’s', async () => {
    const administrator = new ClerkBrowser(latchkey);
    await administrator.signIn(await latchkey.addUser({ rights: ['*'] }));
    for (const verb of ['touch', 'end', 'remove', 'tokens']) {
      await administrator.post(at(sessionId, `/${verb}`)).expect(404);
    }
    await administrator.post(`/me/sessions/${sessionId}/revoke`).expect(404);
    expect(await browser.statusOf(sessionId)).toBe(200);
  });

  it('a session that was removed is gone', async () => {
    await browser.post(at(sessionId, '/remove')).expect(200);
    await browser.get(at(sessionId)).expect(404);
    await browser.post(at(sessionId, '/remove')).expect(404);
  });

  it('a template that nobody set', async () => {
    const answer = await browser.post(at(sessionId, '/tokens/unknown')).expect(404);
    expect(errorOf(answer)).toEqual(['resource_not_found']);
    await browser.post(at(sessionId, '/tokens/%00')).expect(404);
  });

  it.each(['touch', 'tokens'])('%s for an organisation that the user is no member of', async (verb) => {
    const organization = await addOrganization(latchkey, [await latchkey.addUser()]);
    const field = verb === 'touch' ? 'active_organization_id' : 'organization_id';
    for (const named of [toId('organization', organization.id), organization.slug, 'org_zz', 'nonsense']) {
      const answer = await browser.post(at(sessionId, `/${verb}`), { [field]: named }).expect(404);
      expect(errorOf(answer)).toEqual(['organization_not_found_or_unauthorized']);
    }
  });
});

describe('422', () => {
  it('touch with an intent that is none', async () => {
    await browser.post(at(sessionId, '/touch'), { intent: 'focus' }).expect(200);
    const answer = await browser.post(at(sessionId, '/touch'), { intent: 'look' }).expect(422);
    expect(errorOf(answer)).toEqual(['form_param_value_invalid', 'intent']);
  });
});

describe('403', () => {
  it.each(['touch', 'end', 'remove', 'tokens'])(
    'SECURITY 129: %s asks for an allowed origin',
    async (verb) => {
      const call = browser.post(at(sessionId, `/${verb}`)).set('Origin', 'https://evil.example');
      expect(errorOf(await call.expect(403))).toEqual(['origin_invalid']);
      expect(await browser.statusOf(sessionId)).toBe(200);
    },
  );
});

describe('after a second factor', () => {
  it('SECURITY 23: a session that owes its second factor is in no browser', async () => {
    const careful = await asCareful(latchkey);
    const pending = await latchkey.signIn(careful);
    const id = toId('session', pending.sessionId);
    await browser.get(at(id)).expect(404);
    await browser.post(at(id, '/tokens')).expect(404);
  });

  it('says so in the session and its token', async () => {
    const careful = await asCareful(latchkey);
    const id = await browser.signInCarefully(latchkey, careful);
    expect(await browser.claims(id)).toMatchObject({ fva: [0, 0] });
    expect(await shown()).toEqual([id, sessionId]);
  });
});
