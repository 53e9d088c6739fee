import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { document, Latchkey, PASSWORD, type SignedInPerson } from '../support/latchkey.js';
import { FORBIDDEN, NOT_FOUND } from '../support/refusals.js';

let latchkey: Latchkey;
let beside: Latchkey;
let admin: SignedInPerson;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  beside = await Latchkey.start({}, latchkey);
  admin = await latchkey.asAdmin();
});
afterAll(async () => {
  await beside.stop();
  await latchkey.stop();
});

const close = (id: string, token = admin.token) => latchkey.delete(`/api/v2/users/${id}`, token);
const signIn = (email: string, password: string) =>
  latchkey.post('/api/v2/sessions', null, document('sessions', { email, password }));

describe('DELETE /users/:id', () => {
  describe('204', () => {
    it('SECURITY 140: ends every session at once, machine ones, JWTs and pending ones too, on every instance', async () => {
      const person = await latchkey.asUser();
      const machineBody = document('sessions', { name: 'ci' });
      const machine = await latchkey.post('/api/v2/sessions/machine', person.token, machineBody).expect(201);
      const jwt = await latchkey.post('/api/v2/sessions/jwt?expires_in=3600', person.token).expect(201);
      await latchkey.enableTwoFactor(person);
      const pending = await latchkey.signIn(person);

      await close(person.id).expect(204);

      for (const token of [person.token, machine.body.data.attributes.token, jwt.body.jwt, pending.token]) {
        await latchkey.get('/api/v2/sessions/current', token).expect(401);
        await beside.get('/api/v2/sessions/current', token).expect(401);
      }
      const left = await latchkey.sql(
        `SELECT id FROM sessions WHERE user_id = $1 AND status IN ('active', 'pending_otp')`,
        [person.id],
      );
      expect(left).toEqual([]);
    });

    it('SECURITY 3: a closed user signs in no more, and is answered like an unknown one', async () => {
      const person = await latchkey.asUser();
      await close(person.id).expect(204);
      const closed = await signIn(person.email, PASSWORD).expect(401);
      const unknown = await signIn('nobody@example.com', PASSWORD).expect(401);
      expect(closed.text).toBe(unknown.text);
    });

    it('SECURITY 140: nobody else takes the address of a closed user, and nothing comes back with it', async () => {
      const person = await latchkey.asUser();
      await close(person.id).expect(204);
      const again = document('users', { email: person.email, password: 'a long passphrase' });
      await latchkey.post('/api/v2/users', admin.token, again).expect(422);
      await latchkey.get('/api/v2/sessions/current', person.token).expect(401);
    });

    it('leaves a closed user to be read by administrators, as closed', async () => {
      const person = await latchkey.asUser();
      await close(person.id).expect(204);
      const { body } = await latchkey.get(`/api/v2/users/${person.id}`, admin.token).expect(200);
      expect(body.data.attributes.status).toBe('closed');
    });

    it('may be asked for twice: closing a closed user changes nothing', async () => {
      const person = await latchkey.addUser();
      await close(person.id).expect(204);
      const first = await latchkey.get(`/api/v2/users/${person.id}`, admin.token).expect(200);
      await close(person.id).expect(204);
      const second = await latchkey.get(`/api/v2/users/${person.id}`, admin.token).expect(200);
      expect(second.body.data).toEqual(first.body.data);
    });

    it('SECURITY 141: the administrator’s own sessions stay', async () => {
      const person = await latchkey.addUser();
      await close(person.id).expect(204);
      await latchkey.get('/api/v2/sessions/current', admin.token).expect(200);
    });

    it('SECURITY 140: no session is left over from sign-ins and machine tokens of the same moment', async () => {
      for (let round = 0; round < 10; round++) {
        const person = await latchkey.asUser();
        const [closed, ...rest] = await Promise.all([
          close(person.id),
          ...Array.from({ length: 4 }, () => signIn(person.email, PASSWORD)),
          ...Array.from({ length: 3 }, () =>
            beside.post('/api/v2/sessions/machine', person.token, document('sessions', { name: 'ci' })),
          ),
        ]);
        expect(closed?.status).toBe(204);
        for (const { status, body } of rest) {
          expect([201, 401]).toContain(status);
          if (status === 201) {
            await latchkey.get('/api/v2/sessions/current', body.data.attributes.token).expect(401);
          }
        }
      }
    });
  });

  describe('403', () => {
    it.each([[[]], [['user.read']]])(
      'is refused without user.write, for oneself too (%j)',
      async (rights) => {
        const caller = await latchkey.asUser({ rights });
        const { body } = await close(caller.id, caller.token).expect(403);
        expect(body).toEqual(FORBIDDEN);
        await latchkey.get('/api/v2/sessions/current', caller.token).expect(200);
      },
    );

    it('cannot close someone with more rights than the caller', async () => {
      const writer = await latchkey.asUser({ rights: ['user.read', 'user.write'] });
      await close(admin.id, writer.token).expect(403);
      await latchkey.get('/api/v2/sessions/current', admin.token).expect(200);
    });
  });

  describe('404', () => {
    it('is somebody else to a caller who may not see them, just like an unknown one', async () => {
      const caller = await latchkey.asUser({ rights: ['user.write'] });
      const foreign = await close(admin.id, caller.token).expect(404);
      const unknown = await close('987654321', caller.token).expect(404);
      expect(foreign.body).toEqual(NOT_FOUND);
      expect(unknown.text).toBe(foreign.text);
    });
  });

  describe('409', () => {
    it('refuses to close the last administrator, and changes nothing', async () => {
      const { body } = await close(admin.id).expect(409);
      expect(body.errors).toMatchObject([{ status: '409', code: 'conflict' }]);
      await latchkey.get('/api/v2/sessions/current', admin.token).expect(200);
      await signIn(admin.email, PASSWORD).expect(201);
    });

    it('keeps one administrator when all close each other at once', async () => {
      const others = [await latchkey.asAdmin(), await latchkey.asAdmin()];
      const all = [admin, ...others];
      await Promise.all(all.map((one, index) => close(all[(index + 1) % all.length]!.id, one.token)));
      const [row] = await latchkey.sql<{ count: string }>(
        `SELECT count(*) FROM users WHERE status = 'active' AND '*' = ANY (rights)`,
      );
      expect(Number(row?.count)).toBeGreaterThanOrEqual(1);
    });
  });
});
