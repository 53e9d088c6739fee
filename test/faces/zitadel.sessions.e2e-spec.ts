import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mintJwt, mintMachine } from '../support/access-table.js';
import { document, Latchkey, type Person, type SignedInPerson } from '../support/latchkey.js';
import { asCareful } from '../support/second-factor.js';
import { asBackend, refusal, ZitadelClient, type Composed } from '../support/zitadel.js';

const base64 = (text: string) => Buffer.from(text).toString('base64');

let latchkey: Latchkey;
let zitadel: ZitadelClient;
let backend: SignedInPerson;
let admin: SignedInPerson;
let person: Person;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  zitadel = new ZitadelClient(latchkey);
  backend = await asBackend(latchkey);
  admin = await latchkey.asAdmin();
  person = await latchkey.addUser();
});
afterAll(() => latchkey.stop());

const UNKNOWN = refusal(5, 'Session does not exist', 'QUERY-SFeaa');
const UNKNOWN_TO_SET = refusal(9, 'Session does not exist', 'COMMAND-Flk38');
const NOT_PERMITTED = refusal(7, 'No matching permissions found');
const UNAUTHENTICATED = refusal(16, 'Token is invalid', 'AUTH-7fs1e');
const WRONG_TOKEN = refusal(7, 'Errors.PermissionDenied', 'QUERY-dsfr3');
const WRONG_TOKEN_TO_END = refusal(7, 'Session Token is invalid', 'COMMAND-sGr42');
const ODD_IDS = ['0', '-1', '01', 'abc', '1e3', '9223372036854775808', '%00', 'null', '1%20', '__proto__'];

describe('POST /zitadel/v2/sessions', () => {
  describe('201', () => {
    it('opens a session by name and password, whose token is a credential of every API', async () => {
      const { sessionId, sessionToken } = await zitadel.open(backend.token, person);
      const own = await latchkey.get('/api/v2/sessions/current', sessionToken).expect(200);
      expect(own.body.data.id).toBe(sessionId);
      await zitadel.get(sessionId, sessionToken).expect(200);
    });

    it('opens one that names nobody, or proves nothing, which is pending: its token opens nothing', async () => {
      for (const body of [{}, undefined, { checks: { user: { loginName: person.email } } }]) {
        const { sessionToken } = (await zitadel.create(backend.token, body).expect(201)).body;
        expect([401, 403]).toContain(await zitadel.statusOf(sessionToken));
      }
    });

    it('keeps what is said of the agent and noted with it', async () => {
      const userAgent = {
        fingerprintId: 'fp',
        ip: '192.0.2.1',
        description: 'Safari',
        header: { 'User-Agent': { values: ['Mozilla/5.0 (iPhone) Safari/604.1'] } },
      };
      const metadata = { plan: base64('gold'), ünï: base64('✓'), __proto__2: base64('x'), empty: '' };
      const { sessionId } = await zitadel.open(backend.token, person, { userAgent, metadata });
      const { session } = (await zitadel.get(sessionId, backend.token).expect(200)).body;
      expect(session.userAgent).toEqual({
        fingerprintId: 'fp',
        ip: '192.0.2.1',
        description: 'Safari',
        header: { 'user-agent': { values: ['Mozilla/5.0 (iPhone) Safari/604.1'] } },
      });
      expect(session.metadata).toEqual({ plan: base64('gold'), ünï: base64('✓'), __proto__2: base64('x') });
    });

    it('gives it a lifetime of its own, and without one lets it slide as every session', async () => {
      const lasting = await zitadel.open(backend.token, person, { lifetime: '3600s' });
      const sliding = await zitadel.open(backend.token, person, { lifetime: '0s' });
      const { session } = (await zitadel.get(lasting.sessionId, backend.token)).body;
      expect(Date.parse(session.expirationDate) - Date.parse(session.creationDate)).toBe(3_600_000);
      const other = (await zitadel.get(sliding.sessionId, backend.token)).body.session;
      expect(Date.parse(other.expirationDate) - Date.parse(other.creationDate)).toBe(14 * 86_400_000);
      latchkey.clock.move(3_600_001);
      expect(await zitadel.statusOf(lasting.sessionToken)).toBe(401);
      expect(await zitadel.statusOf(sliding.sessionToken)).toBe(200);
      latchkey.clock.release();
    });

    it('is in the list that its user sees natively', async () => {
      const user = await latchkey.asUser();
      const { sessionId } = await zitadel.open(backend.token, user);
      const { body } = await latchkey.get('/api/v2/sessions', user.token).expect(200);
      expect(body.data.map(({ id }: { id: string }) => id)).toContain(sessionId);
    });
  });

  describe('400', () => {
    it('refuses a wrong password, and opens nothing', async () => {
      const before = await latchkey.sql<{ count: string }>('SELECT count(*) FROM sessions');
      const checks = { user: { userId: person.id }, password: { password: 'not the password' } };
      const { body } = await zitadel.create(backend.token, { checks }).expect(400);
      expect(body).toEqual(refusal(3, 'Password is invalid', 'COMMAND-3M0fs', 'CredentialsCheckError'));
      expect(await latchkey.sql('SELECT count(*) FROM sessions')).toEqual(before);
    });

    it.each([
      ['password', { password: { password: 'x' } }],
      ['totp', { totp: { code: '123456' } }],
      ['otpSms', { otpSms: { code: '123456' } }],
      ['otpEmail', { otpEmail: { code: '123456' } }],
      ['recoveryCode', { recoveryCode: { code: 'abcdefgh' } }],
    ])('refuses the check of %s while nobody is named', async (_, checks) => {
      const { body } = await zitadel.create(backend.token, { checks }).expect(400);
      expect(body).toEqual(refusal(9, 'User ID missing', 'COMMAND-Sfw3r'));
    });

    it('refuses to check a code that was not sent for this session', async () => {
      for (const [check, id] of [
        ['otpSms', 'COMMAND-SF3tv'],
        ['otpEmail', 'COMMAND-zF3g3'],
      ] as const) {
        const checks = { user: { userId: person.id }, [check]: { code: '123456' } };
        const { body } = await zitadel.create(backend.token, { checks }).expect(400);
        expect(body).toEqual(refusal(9, 'Code not found', id));
      }
    });

    it('answers passkeys and identity providers with code 9', async () => {
      const user = { userId: person.id };
      const bodies = [
        { checks: { user, webAuthN: { credentialAssertionData: {} } } },
        { checks: { user, idpIntent: { idpIntentId: '1', idpIntentToken: 'x' } } },
        { checks: { user }, challenges: { webAuthN: { domain: 'example.com' } } },
      ];
      for (const body of bodies) {
        expect((await zitadel.create(backend.token, body).expect(400)).body.code).toBe(9);
      }
    });

    it('refuses a closed user, in the words that clients match', async () => {
      const closed = await latchkey.addUser();
      await latchkey.delete(`/api/v2/users/${closed.id}`, admin.token).expect(204);
      const { body } = await zitadel
        .create(backend.token, { checks: { user: { userId: closed.id } } })
        .expect(400);
      expect(body).toEqual(refusal(9, 'Errors.User.NotActive', 'SESSION-Gj4ko'));
    });

    it('refuses a negative lifetime', async () => {
      const { body } = await zitadel.create(backend.token, { lifetime: '-1s' }).expect(400);
      expect(body).toEqual(refusal(3, 'Session lifetime must not be less than 0', 'COMMAND-asEG4'));
    });

    const user = () => ({ userId: person.id });
    it.each([
      ['an empty user check', () => ({ checks: { user: {} } }), 'checks.user.userId'],
      [
        'a user by id and name',
        () => ({ checks: { user: { ...user(), loginName: 'x' } } }),
        'checks.user.loginName',
      ],
      [
        'an empty password',
        () => ({ checks: { user: user(), password: { password: '' } } }),
        'checks.password.password',
      ],
      [
        'a password of 201 characters',
        () => ({ checks: { user: user(), password: { password: 'x'.repeat(201) } } }),
        'checks.password.password',
      ],
      [
        'a password that is a number',
        () => ({ checks: { user: user(), password: { password: 12345678 } } }),
        'checks.password.password',
      ],
      [
        'a code that is a number',
        () => ({ checks: { user: user(), totp: { code: 123456 } } }),
        'checks.totp.code',
      ],
      [
        'a code in a list',
        () => ({ checks: { user: user(), totp: { code: ['123456'] } } }),
        'checks.totp.code',
      ],
      [
        'a recovery code of 201 characters',
        () => ({ checks: { user: user(), recoveryCode: { code: 'x'.repeat(201) } } }),
        'checks.recoveryCode.code',
      ],
      ['a lifetime in a number', () => ({ lifetime: 3600 }), 'lifetime'],
      ['a lifetime in hours', () => ({ lifetime: '1h' }), 'lifetime'],
      ['a lifetime of more than a year', () => ({ lifetime: '31536001s' }), 'lifetime'],
      ['metadata that is no base64', () => ({ metadata: { a: 'ä' } }), 'metadata'],
      ['metadata that is no text', () => ({ metadata: { a: '/w==' } }), 'metadata'],
      ['metadata with a NUL', () => ({ metadata: { a: 'AA==' } }), 'metadata'],
      ['metadata of 1,001 characters', () => ({ metadata: { a: base64('x'.repeat(1_001)) } }), 'metadata'],
      [
        'metadata under a key of 101 characters',
        () => ({ metadata: { ['k'.repeat(101)]: 'YQ==' } }),
        'metadata',
      ],
      [
        '51 entries of metadata',
        () => ({ metadata: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [n, 'YQ=='])) }),
        'metadata',
      ],
      [
        'a header name with a line break',
        () => ({ userAgent: { header: { 'a\r\nb': {} } } }),
        'userAgent.header',
      ],
      [
        'a fingerprint of 201 characters',
        () => ({ userAgent: { fingerprintId: 'x'.repeat(201) } }),
        'userAgent.fingerprintId',
      ],
      ['half a surrogate pair', () => ({ userAgent: { description: '\ud834' } }), 'userAgent.description'],
      [
        'a link of 201 characters',
        () => ({
          checks: { user: user() },
          challenges: { otpEmail: { sendCode: { urlTemplate: 'x'.repeat(201) } } },
        }),
        'challenges.otpEmail.sendCode.urlTemplate',
      ],
    ])('refuses %s, and names the member', async (_, body, place) => {
      const answer = await zitadel.create(backend.token, body()).expect(400);
      expect(answer.body).toEqual(refusal(3, `invalid value: ${place}`));
    });
  });

  describe('401', () => {
    it('asks for a credential', async () => {
      expect((await zitadel.create(null).expect(401)).body).toEqual({
        code: 16,
        message: 'auth header missing',
      });
    });
  });

  describe('403', () => {
    it('asks for `session.write`', async () => {
      const user = await latchkey.asUser({ rights: ['session.read', 'session.delete', 'user.write'] });
      const checks = { user: { userId: user.id }, password: { password: user.password } };
      expect((await zitadel.create(user.token, { checks }).expect(403)).body).toEqual(NOT_PERMITTED);
    });

    it('refuses read-only tokens and JWTs of whoever holds it', async () => {
      const readOnly = await mintMachine(latchkey, backend.token, true);
      for (const token of [readOnly, await mintJwt(latchkey, backend.token)]) {
        expect((await zitadel.create(token).expect(403)).body).toEqual(
          refusal(7, 'A read-only token changes nothing'),
        );
      }
    });

    it('SECURITY 72: refuses it from the request on after which the right is gone', async () => {
      const app = await asBackend(latchkey);
      await zitadel.create(app.token).expect(201);
      await latchkey.sql(`UPDATE users SET rights = '{session.read}' WHERE id = $1`, [app.id]);
      await zitadel.create(app.token).expect(403);
    });
  });

  describe('404', () => {
    it.each([
      { userId: '987654321' },
      { userId: 'abc' },
      { userId: '9223372036854775808' },
      { loginName: 'nobody@example.com' },
    ])('does not know the user %j', async (user) => {
      const { body } = await zitadel.create(backend.token, { checks: { user } }).expect(404);
      expect(body).toEqual(refusal(5, 'User could not be found'));
    });
  });

  describe('429', () => {
    it('takes no password any more after ten wrong ones, not even the right one', async () => {
      const target = await latchkey.addUser();
      const checks = { user: { userId: target.id }, password: { password: 'not the password' } };
      for (let attempt = 0; attempt < 10; attempt++)
        await zitadel.create(backend.token, { checks }).expect(400);
      const right = { ...checks, password: { password: target.password } };
      const answer = await zitadel.create(backend.token, { checks: right }).expect(429);
      expect(answer.body.code).toBe(8);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    });
  });
});

describe('GET /zitadel/v2/sessions/:id', () => {
  let composed: Composed;
  beforeAll(async () => {
    composed = await zitadel.open(backend.token, person);
  });

  describe('200', () => {
    it('shows a session to its user, its opener, holders of `session.read`, and whoever has its token', async () => {
      const reader = await latchkey.asUser({ rights: ['session.read'] });
      const user = await latchkey.signIn(person);
      const stranger = await latchkey.asUser();
      for (const token of [user.token, backend.token, reader.token, composed.sessionToken]) {
        await zitadel.get(composed.sessionId, token).expect(200);
        await zitadel.get(composed.sessionId, token, composed.sessionToken).expect(200);
      }
      await zitadel.get(composed.sessionId, stranger.token, composed.sessionToken).expect(200);
      await zitadel.get(composed.sessionId, stranger.token, '').expect(404); // empty is not set
    });

    it('tells who that is to holders of `user.read` and to themselves', async () => {
      const reader = await latchkey.asUser({ rights: ['session.read'] });
      const user = await latchkey.signIn(person);
      const shown = async (token: string) =>
        Object.keys((await zitadel.get(composed.sessionId, token)).body.session.factors.user);
      expect(await shown(reader.token)).toEqual(['verifiedAt', 'id']);
      expect(await shown(user.token)).toEqual(['verifiedAt', 'id', 'loginName', 'displayName']);
      expect(await shown(backend.token)).toEqual(['verifiedAt', 'id', 'loginName', 'displayName']);
    });

    it('answers a read-only token and a JWT', async () => {
      const user = await latchkey.asUser();
      await zitadel.get(user.sessionId, await mintMachine(latchkey, user.token, true)).expect(200);
      await zitadel.get(user.sessionId, await mintJwt(latchkey, user.token)).expect(200);
    });
  });

  describe('403', () => {
    it('refuses a wrong session token even to those who may see the session', async () => {
      const wrong = ['x', composed.sessionToken.replace(/./, (c) => (c === '0' ? '1' : '0')), backend.token];
      for (const sessionToken of wrong) {
        const { body } = await zitadel.get(composed.sessionId, backend.token, sessionToken).expect(403);
        expect(body).toEqual(WRONG_TOKEN);
      }
    });
  });

  describe('404', () => {
    it.each(ODD_IDS)('SECURITY 65: does not know the id %s', async (id) => {
      expect((await zitadel.get(id, admin.token).expect(404)).body).toEqual(UNKNOWN);
    });

    it('SECURITY 63: knows a foreign session as little as an unknown one, with a wrong token too', async () => {
      const stranger = await latchkey.asUser();
      for (const sessionToken of [undefined, 'x']) {
        const foreign = await zitadel.get(composed.sessionId, stranger.token, sessionToken).expect(404);
        const unknown = await zitadel.get('987654321', stranger.token, sessionToken).expect(404);
        expect(foreign.body).toEqual(unknown.body);
        expect(foreign.body).toEqual(UNKNOWN);
      }
    });

    it('knows a pending session to its opener alone: to no reader, not to its user, not by its token', async () => {
      const { sessionId, sessionToken } = await zitadel.name(backend.token, person);
      const user = await latchkey.signIn(person);
      await zitadel.get(sessionId, backend.token).expect(200);
      await zitadel.get(sessionId, admin.token).expect(404);
      await zitadel.get(sessionId, user.token).expect(404);
      await zitadel.get(sessionId, user.token, sessionToken).expect(404);
      latchkey.clock.move(301_000);
      await zitadel.get(sessionId, backend.token).expect(404);
      latchkey.clock.release();
    });

    it('knows an ended session no more', async () => {
      const ended = await zitadel.open(backend.token, person);
      await zitadel.delete(ended.sessionId, backend.token).expect(200);
      await zitadel.get(ended.sessionId, backend.token).expect(404);
      await zitadel.get(ended.sessionId, backend.token, ended.sessionToken).expect(404);
    });
  });

  it('400: two session tokens are one too many', async () => {
    const path = `/${composed.sessionId}?sessionToken=a&sessionToken=b`;
    expect((await zitadel.call('get', path, backend.token).expect(400)).body.code).toBe(3);
  });

  it('401: asks for a credential: a session token alone is none', async () => {
    await zitadel.get(composed.sessionId, null, composed.sessionToken).expect(401);
  });
});

describe('PATCH /zitadel/v2/sessions/:id', () => {
  describe('200', () => {
    it('puts a new token in the place of the old one with each change, and none without a change', async () => {
      const { sessionId, sessionToken } = await zitadel.open(backend.token, person);
      const changed = (
        await zitadel.set(sessionId, backend.token, { metadata: { a: base64('1') } }).expect(200)
      ).body;
      expect(await zitadel.statusOf(sessionToken)).toBe(401);
      expect(await zitadel.statusOf(changed.sessionToken)).toBe(200);
      const same = (await zitadel.set(sessionId, backend.token).expect(200)).body;
      expect(same).toEqual({ details: changed.details });
      expect(await zitadel.statusOf(changed.sessionToken)).toBe(200);
    });

    it('sets and deletes metadata entry by entry', async () => {
      const metadata = { a: base64('1'), b: base64('2') };
      const { sessionId } = await zitadel.open(backend.token, person, { metadata });
      await zitadel.set(sessionId, backend.token, { metadata: { a: '', c: base64('3'), d: '' } }).expect(200);
      const { session } = (await zitadel.get(sessionId, backend.token)).body;
      expect(session.metadata).toEqual({ b: base64('2'), c: base64('3') });
    });

    it('starts the lifetime from now', async () => {
      const { sessionId } = await zitadel.open(backend.token, person, { lifetime: '60s' });
      latchkey.clock.move(59_000);
      const { sessionToken } = (await zitadel.set(sessionId, backend.token, { lifetime: '60s' }).expect(200))
        .body;
      latchkey.clock.move(59_000);
      expect(await zitadel.statusOf(sessionToken)).toBe(200);
      latchkey.clock.move(1_001);
      expect(await zitadel.statusOf(sessionToken)).toBe(401);
      latchkey.clock.release();
    });

    it('lets anyone set the very session they ask with, and step it up', async () => {
      const user = await latchkey.asUser();
      const wanted = { checks: { password: { password: user.password } }, metadata: { a: 'YQ==' } };
      const { sessionToken } = (await zitadel.set(user.sessionId, user.token, wanted).expect(200)).body;
      expect(await zitadel.statusOf(user.token)).toBe(401);
      const fields = 'fields[sessions]=metadata';
      const { body } = await latchkey.get(`/api/v2/sessions/current?${fields}`, sessionToken).expect(200);
      expect([body.data.id, body.data.attributes.metadata]).toEqual([user.sessionId, { a: 'a' }]);
    });

    it('lets a holder of `session.write` who just proved themselves set the session of one with no more rights', async () => {
      const user = await latchkey.asUser();
      await zitadel.set(user.sessionId, admin.token, { metadata: { a: 'YQ==' } }).expect(200);
      expect(await zitadel.statusOf(user.token)).toBe(401); // under a new token
    });
  });

  describe('400', () => {
    it('refuses to make a session somebody else’s, and does not tell whether they exist', async () => {
      const user = await latchkey.asUser();
      const other = await latchkey.addUser();
      const named = [
        { userId: other.id },
        { userId: '987654321' },
        { loginName: other.email },
        { loginName: 'no@example.com' },
      ];
      for (const who of named) {
        const { body } = await zitadel.set(user.sessionId, user.token, { checks: { user: who } }).expect(400);
        expect(body).toEqual(refusal(3, 'user change not possible'));
      }
      await zitadel.set(user.sessionId, user.token, { checks: { user: { userId: user.id } } }).expect(200);
    });

    it.each([...ODD_IDS, '987654321'])('SECURITY 65: does not know the id %s, with code 9', async (id) => {
      expect((await zitadel.set(id, admin.token).expect(400)).body).toEqual(UNKNOWN_TO_SET);
    });

    it('SECURITY 63: knows a foreign session as little as an unknown one', async () => {
      const stranger = await latchkey.asUser({ rights: ['session.write', 'session.delete'] });
      const { sessionId } = await zitadel.open(backend.token, person);
      const metadata = { a: 'YQ==' };
      expect((await zitadel.set(sessionId, stranger.token, { metadata }).expect(400)).body).toEqual(
        UNKNOWN_TO_SET,
      );
    });

    it('knows a pending session to its opener alone', async () => {
      const { sessionId } = (await zitadel.create(backend.token).expect(201)).body;
      const checks = { user: { userId: person.id } };
      expect((await zitadel.set(sessionId, admin.token, { checks }).expect(400)).body).toEqual(
        UNKNOWN_TO_SET,
      );
      await zitadel.set(sessionId, backend.token, { checks }).expect(200);
    });

    it('says of an ended session that it was terminated, and of one past its time that it has expired', async () => {
      const ended = await zitadel.open(backend.token, person);
      await zitadel.delete(ended.sessionId, backend.token).expect(200);
      const metadata = { a: 'YQ==' };
      const over = await zitadel.set(ended.sessionId, backend.token, { metadata }).expect(400);
      expect(over.body).toEqual(refusal(9, 'Session already terminated', 'COMMAND-Hewfq'));
      const brief = await zitadel.open(backend.token, person, { lifetime: '60s' });
      const pending = await zitadel.name(backend.token, person);
      latchkey.clock.move(300_000);
      for (const { sessionId } of [brief, pending]) {
        const { body } = await zitadel.set(sessionId, backend.token, { metadata }).expect(400);
        expect(body).toEqual(refusal(9, 'Session has expired', 'COMMAND-Hkl3d'));
      }
      latchkey.clock.release();
    });

    it('keeps the token and everything else when one of several checks fails', async () => {
      const { sessionId, sessionToken } = await zitadel.open(backend.token, person, {
        metadata: { a: 'YQ==' },
      });
      const before = (await zitadel.get(sessionId, backend.token)).body;
      const wanted = { metadata: { a: '' }, lifetime: '60s', checks: { password: { password: 'wrong' } } };
      await zitadel.set(sessionId, backend.token, wanted).expect(400);
      expect((await zitadel.get(sessionId, backend.token)).body).toEqual(before);
      expect(await zitadel.statusOf(sessionToken)).toBe(200);
    });

    it('keeps metadata bounded over all changes', async () => {
      const entries = (from: number) =>
        Object.fromEntries(Array.from({ length: 30 }, (_, n) => [from + n, 'YQ==']));
      const { sessionId } = await zitadel.open(backend.token, person, { metadata: entries(0) });
      const { body } = await zitadel.set(sessionId, backend.token, { metadata: entries(30) }).expect(400);
      expect(body).toEqual(refusal(3, 'invalid value: metadata'));
    });
  });

  describe('401', () => {
    it('asks for a credential, and takes none that was replaced', async () => {
      const { sessionId, sessionToken } = await zitadel.open(backend.token, person);
      await zitadel.set(sessionId, null).expect(401);
      await zitadel.set(sessionId, sessionToken, { metadata: { a: 'YQ==' } }).expect(200);
      expect((await zitadel.set(sessionId, sessionToken, { metadata: { a: '' } }).expect(401)).body).toEqual(
        UNAUTHENTICATED,
      );
    });

    it('lets one of twenty set their own session at once with one token: that is new then', async () => {
      const user = await latchkey.asUser();
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          zitadel.set(user.sessionId, user.token, { metadata: { n: base64(`${n}`) } }),
        ),
      );
      const won = answers.filter(({ status }) => status === 200);
      expect(won).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(19);
      expect(await zitadel.statusOf(won[0]!.body.sessionToken)).toBe(200);
    });
  });

  describe('403', () => {
    const metadata = { a: 'YQ==' };

    it('keeps a session’s token from one’s other sessions: it may be the stronger credential', async () => {
      const user = await latchkey.asUser();
      const other = await latchkey.signIn(user);
      const machine = await mintMachine(latchkey, user.token, false);
      for (const token of [other.token, machine]) {
        expect((await zitadel.set(user.sessionId, token, { metadata }).expect(403)).body).toEqual(
          NOT_PERMITTED,
        );
      }
      expect(await zitadel.statusOf(user.token)).toBe(200);
    });

    it('keeps it from an administrator’s machine tokens too, and from their own of yesterday', async () => {
      const user = await latchkey.asUser();
      const chief = await latchkey.asAdmin();
      const machine = await mintMachine(latchkey, chief.token, false);
      expect((await zitadel.set(user.sessionId, machine, { metadata }).expect(403)).body.code).toBe(7);
      latchkey.clock.move(3_600_001);
      const stale = await zitadel.set(user.sessionId, chief.token, { metadata }).expect(403);
      expect(stale.body.message).toMatch(/^Prove yourself once more/);
      latchkey.clock.release();
    });

    it('keeps it from whoever holds fewer rights than its user', async () => {
      const writer = await latchkey.asUser({ rights: ['session.read', 'session.write'] });
      const chief = await latchkey.asAdmin();
      expect((await zitadel.set(chief.sessionId, writer.token, { metadata }).expect(403)).body).toEqual(
        NOT_PERMITTED,
      );
    });

    it('sets no machine session, not even by its own token', async () => {
      const user = await latchkey.asUser();
      const machine = await mintMachine(latchkey, user.token, false);
      const { id } = (await latchkey.get('/api/v2/sessions/current', machine)).body.data;
      for (const token of [machine, user.token, admin.token]) {
        await zitadel.set(id, token, { metadata }).expect(403);
      }
    });

    it('asks the opener for `session.write` still', async () => {
      const app = await asBackend(latchkey);
      const { sessionId } = await zitadel.open(app.token, person);
      await latchkey.sql(`UPDATE users SET rights = '{session.read}' WHERE id = $1`, [app.id]);
      expect((await zitadel.set(sessionId, app.token, { metadata }).expect(403)).body).toEqual(NOT_PERMITTED);
    });

    it('is closed to read-only tokens, JWTs and sessions that owe their second factor', async () => {
      const user = await latchkey.asUser();
      const pending = await latchkey.signIn(await asCareful(latchkey));
      const readOnly = await mintMachine(latchkey, user.token, true);
      await zitadel.set(user.sessionId, readOnly, { metadata }).expect(403);
      await zitadel.set(user.sessionId, await mintJwt(latchkey, user.token), { metadata }).expect(403);
      await zitadel.set(pending.sessionId, pending.token, { metadata }).expect(403);
    });
  });
});

describe('DELETE /zitadel/v2/sessions/:id', () => {
  describe('200', () => {
    it('ends a session for its user, its opener, holders of `session.delete`, and whoever has its token', async () => {
      const deleter = await latchkey.asUser({ rights: ['session.delete'] });
      const stranger = await latchkey.asUser();
      const user = await latchkey.signIn(person);
      for (const token of [user.token, backend.token, deleter.token, stranger.token]) {
        const { sessionId, sessionToken } = await zitadel.open(backend.token, person);
        const body = token === stranger.token ? { sessionToken } : undefined;
        const { details } = (await zitadel.delete(sessionId, token, body).expect(200)).body;
        expect(details).toEqual({ sequence: '2', changeDate: expect.any(String) });
        expect(await zitadel.statusOf(sessionToken)).toBe(401);
      }
    });

    it('ends the very session it is asked with, and what was opened natively', async () => {
      const user = await latchkey.asUser();
      await zitadel.delete(user.sessionId, user.token, {}).expect(200);
      expect(await zitadel.statusOf(user.token)).toBe(401);
      await zitadel.delete(user.sessionId, user.token).expect(401);
    });

    it('lets the opener give up a pending session', async () => {
      const { sessionId } = await zitadel.name(backend.token, person);
      await zitadel.delete(sessionId, backend.token).expect(200);
      await zitadel.get(sessionId, backend.token).expect(404);
    });

    it.each([...ODD_IDS, '987654321'])('has nothing to end at %s', async (id) => {
      expect((await zitadel.delete(id, admin.token).expect(200)).body).toEqual({ details: {} });
    });

    it('SECURITY 63, 66: answers for a foreign session as for an unknown one, and leaves it alone', async () => {
      const stranger = await latchkey.asUser();
      const { sessionId, sessionToken } = await zitadel.open(backend.token, person);
      const pending = await zitadel.name(backend.token, person);
      for (const body of [undefined, {}, { sessionToken: 'x' }, { sessionToken: stranger.token }]) {
        expect((await zitadel.delete(sessionId, stranger.token, body).expect(200)).body).toEqual({
          details: {},
        });
      }
      expect(await zitadel.statusOf(sessionToken)).toBe(200);
      await zitadel.delete(pending.sessionId, admin.token).expect(200);
      await zitadel
        .delete(pending.sessionId, stranger.token, { sessionToken: pending.sessionToken })
        .expect(200);
      await zitadel.get(pending.sessionId, backend.token).expect(200);
    });

    it('says the same of one that has ended', async () => {
      const { sessionId } = await zitadel.open(backend.token, person);
      await zitadel.delete(sessionId, backend.token).expect(200);
      expect((await zitadel.delete(sessionId, backend.token).expect(200)).body).toEqual({ details: {} });
    });

    it('ends it once for twenty who ask at once', async () => {
      const { sessionId } = await zitadel.open(backend.token, person);
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => zitadel.delete(sessionId, backend.token)),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
      expect(answers.filter(({ body }) => body.details.sequence === '2')).toHaveLength(1);
    });
  });

  it('401: asks for a credential: a session token alone is none', async () => {
    const { sessionId, sessionToken } = await zitadel.open(backend.token, person);
    await zitadel.delete(sessionId, null, { sessionToken }).expect(401);
  });

  describe('403', () => {
    it('refuses a wrong session token even to those who may end the session', async () => {
      const { sessionId } = await zitadel.open(backend.token, person);
      for (const token of [backend.token, admin.token]) {
        const { body } = await zitadel.delete(sessionId, token, { sessionToken: 'x' }).expect(403);
        expect(body).toEqual(WRONG_TOKEN_TO_END);
      }
    });

    it('refuses those who may see the session and not end it, and read-only tokens', async () => {
      const reader = await latchkey.asUser({ rights: ['session.read'] });
      const { sessionId, sessionToken } = await zitadel.open(backend.token, person);
      expect((await zitadel.delete(sessionId, reader.token).expect(403)).body).toEqual(NOT_PERMITTED);
      const readOnly = await mintMachine(latchkey, reader.token, true);
      await zitadel.delete(sessionId, readOnly, { sessionToken }).expect(403);
      expect(await zitadel.statusOf(sessionToken)).toBe(200);
    });
  });

  it('400: a session token is a text', async () => {
    expect((await zitadel.delete('1', backend.token, { sessionToken: 1 }).expect(400)).body.code).toBe(3);
  });
});

describe('a session that was opened through ZITADEL', () => {
  it('ends with a change of its user’s password, pending or not', async () => {
    const user = await latchkey.asUser();
    const active = await zitadel.open(backend.token, user);
    const pending = await zitadel.name(backend.token, user);
    const change = document(
      'users',
      { password: 'another long phrase', current_password: user.password },
      { id: user.id },
    );
    await latchkey.patch(`/api/v2/users/${user.id}`, user.token, change).expect(200);
    expect(await zitadel.statusOf(active.sessionToken)).toBe(401);
    for (const { sessionId } of [active, pending]) {
      await zitadel.get(sessionId, backend.token).expect(404);
      const checks = { password: { password: user.password } };
      expect((await zitadel.set(sessionId, backend.token, { checks }).expect(400)).body.code).toBe(9);
    }
  });

  it('SECURITY 48: is opened by its token alone and by nothing like it', async () => {
    const { sessionToken } = await zitadel.open(backend.token, person);
    const bent = [
      sessionToken.slice(0, -1),
      `${sessionToken}a`,
      sessionToken.toUpperCase(),
      sessionToken.replaceAll('-', ''),
    ];
    for (const token of bent) await zitadel.search(token).expect(401);
  });
});
