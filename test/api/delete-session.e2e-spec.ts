import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { activityByHand } from '../support/activity.js';
import { document, Latchkey, type Credential, type SignedInPerson } from '../support/latchkey.js';
import { FORBIDDEN, NOT_FOUND, OTP_REQUIRED, READ_ONLY_SESSION } from '../support/refusals.js';

const PATH = '/api/v2/sessions';

describe('DELETE /api/v2/sessions/:id', () => {
  let latchkey: Latchkey;
  let second: Latchkey;
  let person: SignedInPerson;
  let stranger: SignedInPerson;

  beforeAll(async () => {
    latchkey = await Latchkey.start();
    second = await Latchkey.start({}, latchkey);
    person = await latchkey.asUser();
    stranger = await latchkey.asUser();
  });
  afterAll(async () => {
    await second?.stop();
    await latchkey?.stop();
  });

  const end = (id: string, token: string | null = person.token) => latchkey.delete(`${PATH}/${id}`, token);
  const mint = async (token: string, read_only = false): Promise<Credential> => {
    const sent = document('sessions', { name: 'robot', read_only });
    const { id, attributes } = (await latchkey.post(`${PATH}/machine`, token, sent).expect(201)).body.data;
    return { sessionId: id, token: attributes.token };
  };
  const isLive = async (token: string) => (await latchkey.get(`${PATH}/current`, token)).status === 200;
  const statusOf = async (id: string) =>
    (await latchkey.sql<{ status: string }>('SELECT status FROM sessions WHERE id = $1', [id]))[0]?.status;
  const liveSessions = async () =>
    (await latchkey.sql<{ id: string }>(`SELECT id FROM sessions WHERE status = 'active'`)).length;

  describe('204', () => {
    it("ends another of one's sessions, and answers nothing", async () => {
      const { sessionId, token } = await latchkey.signIn(person);
      const { text, headers } = await end(sessionId).expect(204);
      expect(text).toBe('');
      expect(headers).not.toHaveProperty('content-type');
      expect(await isLive(token)).toBe(false);
      expect(await statusOf(sessionId)).toBe('revoked');
    });

    it("ends one's own session", async () => {
      const { sessionId, token } = await latchkey.signIn(person);
      await end(sessionId, token).expect(204);
      await end(sessionId, token).expect(401);
      expect(await statusOf(sessionId)).toBe('ended');
    });

    it("ends others' sessions for a holder of session.delete", async () => {
      const warden = await latchkey.asUser({ rights: ['session.delete'] });
      const { sessionId, token } = await latchkey.signIn(person);
      await end(sessionId, warden.token).expect(204);
      expect(await isLive(token)).toBe(false);
      expect(await isLive(warden.token)).toBe(true);
    });

    it('lets a session that owes its second factor end itself', async () => {
      const careful = await latchkey.asUser();
      await latchkey.enableTwoFactor(careful);
      const { sessionId, token } = await latchkey.signIn(careful);
      await end(sessionId, token).expect(204);
      await end(sessionId, token).expect(401);
      expect(await statusOf(sessionId)).toBe('ended');
    });

    it('ends a machine session, which can end itself too', async () => {
      const [robot, another] = [await mint(person.token), await mint(person.token)];
      await end(robot.sessionId).expect(204);
      await end(another.sessionId, another.token).expect(204);
      for (const { token } of [robot, another]) expect(await isLive(token)).toBe(false);
    });

    it('SECURITY 137: touches no other session', async () => {
      const [kept, gone] = [await latchkey.signIn(person), await latchkey.signIn(person)];
      const before = await liveSessions();
      await end(gone.sessionId).expect(204);
      expect(await liveSessions()).toBe(before - 1);
      for (const token of [kept.token, person.token, stranger.token]) expect(await isLive(token)).toBe(true);
    });

    it('stays ended, although its last use is written later', async () => {
      const writeActivity = activityByHand(latchkey);
      const { sessionId, token } = await latchkey.signIn(person);
      latchkey.clock.move(2 * 60_000);
      await latchkey.get(PATH, token).expect(200);
      await end(sessionId).expect(204);
      await writeActivity();
      expect(await isLive(token)).toBe(false);
      expect(await statusOf(sessionId)).toBe('revoked');
    });

    it('SECURITY 139: the writing of its activity revives none that had expired when all were ended', async () => {
      const writeActivity = activityByHand(latchkey);
      const owner = await latchkey.addUser();
      const { token } = await latchkey.signIn(owner);
      latchkey.clock.move(14 * 86_400_000 - 1_000);
      await latchkey.get(PATH, token).expect(200);
      latchkey.clock.move(2_000);
      const { token: later } = await latchkey.signIn(owner);
      await latchkey.post(`${PATH}/revoke`, later).expect(200);
      await writeActivity();
      expect(await isLive(token)).toBe(false);
      latchkey.clock.move(-14 * 86_400_000 - 1_000);
    });
  });

  describe('the same moment on every instance', () => {
    it('SECURITY 135: no use is accepted after the answer, of the token or of a JWT made from it', async () => {
      const { sessionId, token } = await latchkey.signIn(person);
      const { jwt } = (await latchkey.post(`${PATH}/jwt`, token).expect(201)).body;
      const uses = (n: number) => {
        const instance = n % 2 === 0 ? latchkey : second;
        if (n % 3 === 0) return instance.get(PATH, token);
        const credential = n % 3 === 1 ? token : jwt;
        return instance.get(`${PATH}/current`, null).set('Authorization', `Bearer ${credential}`);
      };
      for (let n = 0; n < 6; n++) await uses(n).expect(200);
      await end(sessionId).expect(204);
      const after = await Promise.all(Array.from({ length: 200 }, (_, n) => uses(n)));
      expect(new Set(after.map(({ status }) => status))).toEqual(new Set([401]));
    });

    it('SECURITY 136: of 50 callers at once one is answered 204', async () => {
      const { sessionId, token } = await latchkey.signIn(person);
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          (n % 2 === 0 ? latchkey : second).delete(`${PATH}/${sessionId}`, person.token),
        ),
      );
      const statuses = answers.map(({ status }) => status).sort();
      expect(statuses).toEqual([204, ...Array.from({ length: 49 }, () => 404)]);
      expect(await isLive(token)).toBe(false);
    });

    it('SECURITY 136: so it is when the session ends itself 50 times', async () => {
      const { sessionId, token } = await latchkey.signIn(person);
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          (n % 2 === 0 ? latchkey : second).delete(`${PATH}/${sessionId}`, token),
        ),
      );
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status === 204)).toHaveLength(1);
      expect(statuses.every((status) => [204, 401, 404].includes(status))).toBe(true);
    });

    it('SECURITY 137: a dead token deletes, mints, signs and changes nothing', async () => {
      const { sessionId, token } = await latchkey.signIn(person);
      const another = await latchkey.signIn(person);
      await end(sessionId).expect(204);
      const before = await liveSessions();
      for (const instance of [latchkey, second]) {
        await instance.delete(`${PATH}/${another.sessionId}`, token).expect(401);
        await instance.post(`${PATH}/machine`, token, document('sessions', { name: 'ghost' })).expect(401);
        await instance.post(`${PATH}/jwt`, token).expect(401);
        await instance.post(`${PATH}/revoke`, token).expect(401);
        const change = document('sessions', { name: 'ghost' }, { id: another.sessionId });
        await instance.patch(`${PATH}/${another.sessionId}`, token, change).expect(401);
      }
      expect(await liveSessions()).toBe(before);
    });

    it('SECURITY 138: leaves no ghost behind whatever happens beside it', async () => {
      for (let round = 0; round < 15; round++) {
        const user = await latchkey.addUser();
        const { sessionId, token } = await latchkey.signIn(user);
        const machine = document('sessions', { name: 'robot' });
        const [signedIn, ended, read, signed, minted] = await Promise.all([
          second.signIn(user),
          latchkey.delete(`${PATH}/${sessionId}`, token),
          second.get(`${PATH}/${sessionId}`, token),
          latchkey.post(`${PATH}/jwt`, token),
          second.post(`${PATH}/machine`, token, machine),
        ]);
        expect(ended.status).toBe(204);
        expect([200, 401, 404]).toContain(read.status);
        expect([201, 401]).toContain(signed.status);
        expect([201, 401]).toContain(minted.status);
        expect(await isLive(token)).toBe(false);
        if (signed.status === 201) expect(await isLive(signed.body.jwt)).toBe(false);
        const { body } = await latchkey.get(PATH, signedIn.token).expect(200);
        const expected = [signedIn.sessionId, minted.body.data?.id].filter((id) => id !== undefined);
        expect(body.data.map(({ id }: { id: string }) => id).sort()).toEqual(expected.sort());
      }
    });
  });

  describe('400', () => {
    it('refuses parameters, and ends nothing', async () => {
      const { sessionId, token } = await latchkey.signIn(person);
      const { body } = await end(`${sessionId}?filter[user_id]=1`).expect(400);
      expect(body.errors[0].source).toEqual({ parameter: 'filter[user_id]' });
      expect(await isLive(token)).toBe(true);
    });
  });

  describe('401', () => {
    it('asks for a credential', async () => {
      await end(person.sessionId, null).expect(401);
      expect(await isLive(person.token)).toBe(true);
    });
  });

  describe('403', () => {
    it('SECURITY 79: ends nothing for a read-only session or a JWT, not even itself', async () => {
      const robot = await mint(person.token, true);
      const { jwt } = (await latchkey.post(`${PATH}/jwt`, person.token).expect(201)).body;
      for (const token of [robot.token, jwt]) {
        for (const id of [person.sessionId, robot.sessionId]) {
          expect((await end(id, token).expect(403)).body).toEqual(READ_ONLY_SESSION);
        }
      }
      for (const token of [robot.token, jwt]) expect(await isLive(token)).toBe(true);
    });

    it('forbids what may be seen but not ended', async () => {
      const auditor = await latchkey.asUser({ rights: ['session.read', 'session.write'] });
      expect((await end(person.sessionId, auditor.token).expect(403)).body).toEqual(FORBIDDEN);
      expect((await end('987654321', auditor.token).expect(404)).body).toEqual(NOT_FOUND);
      expect(await isLive(person.token)).toBe(true);
    });

    it('lets a session that owes its second factor end no other one', async () => {
      const careful = await latchkey.asUser();
      await latchkey.enableTwoFactor(careful);
      const { token } = await latchkey.signIn(careful);
      for (const id of [careful.sessionId, person.sessionId, '987654321']) {
        expect((await end(id, token).expect(403)).body).toEqual(OTP_REQUIRED);
      }
      expect(await isLive(careful.token)).toBe(true);
    });
  });

  describe('404', () => {
    it('SECURITY 61: a foreign session is not found, just like an unknown one, and lives on', async () => {
      const foreign = await end(person.sessionId, stranger.token).expect(404);
      const unknown = await end('987654321', stranger.token).expect(404);
      expect(foreign.body).toEqual(NOT_FOUND);
      expect(unknown.text).toBe(foreign.text);
      expect(await isLive(person.token)).toBe(true);
    });

    it('SECURITY 136: a session is ended once', async () => {
      const { sessionId } = await latchkey.signIn(person);
      await end(sessionId).expect(204);
      expect((await end(sessionId).expect(404)).body).toEqual(NOT_FOUND);
    });

    it('SECURITY 62: a session has nothing else below it', async () => {
      const path = `${PATH}/${person.sessionId}`;
      const sent = document('sessions', {}, { id: person.sessionId });
      for (const token of [person.token, stranger.token]) {
        for (const action of ['end', 'remove', 'touch', 'tokens', 'verify', 'validate_otp/x']) {
          await latchkey.post(`${path}/${action}`, token, sent).expect(404);
        }
        await latchkey.post(path, token, sent).expect(405);
        await latchkey.put(path, token, sent).expect(405);
      }
    });
  });

  it("SECURITY 66: no other spelling ends anybody's session", async () => {
    const before = await liveSessions();
    const suffixes = [
      '',
      '/',
      '/%20',
      `?id=${stranger.sessionId}`,
      `?filter[user_id]=${stranger.id}`,
      '/?id=1',
    ];
    for (const suffix of suffixes) {
      const { status, body } = await latchkey.delete(PATH + suffix, person.token);
      expect([400, 404, 405]).toContain(status);
      expect(body.errors[0].status).toBe(String(status));
    }
    expect(await liveSessions()).toBe(before);
  });
});
