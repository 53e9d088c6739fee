import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Response } from 'supertest';
import { document, Latchkey, PASSWORD, type SignedInPerson } from '../support/latchkey.js';

const ROUNDS = 25;
const CLIENTS = 12;
let latchkey: Latchkey;
let beside: Latchkey;

beforeAll(async () => {
  latchkey = await Latchkey.start({ DATABASE_POOL_SIZE: '20' });
  beside = await Latchkey.start({ DATABASE_POOL_SIZE: '20' }, latchkey);
});
afterAll(async () => {
  await beside.stop();
  await latchkey.stop();
});

function change({ id, token }: SignedInPerson, password: string, by = latchkey) {
  const body = document('users', { password, current_password: PASSWORD }, { id });
  return by.patch(`/api/v2/users/${id}`, token, body);
}

function signIn({ email }: SignedInPerson, password: string, by = latchkey) {
  return by.post('/api/v2/sessions', null, document('sessions', { email, password }));
}

const statusOf = ({ status }: Response) => status;

describe('a change of password', () => {
  it('SECURITY 139: leaves no session that the old password opened, however many sign in at that moment', async () => {
    let opened = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const person = await latchkey.asUser();
      const signingIn = Array.from({ length: CLIENTS }, (_, n) =>
        signIn(person, PASSWORD, n % 2 ? beside : latchkey).then((answer) => answer),
      );
      const changed = await change(person, `new passphrase ${round}`);
      const answers = await Promise.all(signingIn);
      expect(changed.status).toBe(200);
      for (const { status, body } of answers) {
        expect([201, 401]).toContain(status);
        if (status !== 201) continue;
        opened++;
        await latchkey.get('/api/v2/sessions/current', body.data.attributes.token).expect(401);
        await beside.get('/api/v2/sessions/current', body.data.attributes.token).expect(401);
      }
      await latchkey.get('/api/v2/sessions/current', person.token).expect(200);
      await latchkey.sql('DELETE FROM attempts');
    }
    expect(opened).toBeGreaterThan(0); // else nothing was proved
  });

  it('SECURITY 139: leaves no session that a sign-in with the old password opens after the answer', async () => {
    const person = await latchkey.asUser();
    await change(person, 'a brand new passphrase').expect(200);
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, n) => signIn(person, PASSWORD, n % 2 ? beside : latchkey)),
    );
    expect(answers.map(statusOf)).toEqual(Array(6).fill(401));
  });

  it('wins once when two are asked for at the same time, on whatever instance', async () => {
    for (let round = 0; round < 10; round++) {
      const person = await latchkey.asUser();
      const passwords = ['the first passphrase', 'the second passphrase'];
      const answers = await Promise.all([
        change(person, passwords[0]!, latchkey),
        change(person, passwords[1]!, beside),
      ]);
      expect(answers.map(statusOf).sort()).toEqual([200, 422]);
      const winner = answers.findIndex(({ status }) => status === 200);
      expect(answers[1 - winner]!.body.errors[0].source.pointer).toBe('data/attributes/current_password');
      await signIn(person, passwords[winner]!).expect(201);
      await signIn(person, passwords[1 - winner]!).expect(401);
    }
  });

  it('wins once when two of someone’s sessions ask for it: the other session is over', async () => {
    for (let round = 0; round < 10; round++) {
      const person = await latchkey.asUser();
      const twin = { ...person, ...(await latchkey.signIn(person)) };
      const answers = await Promise.all([
        change(person, 'the first passphrase'),
        change(twin, 'the second one'),
      ]);
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      const alive = await Promise.all(
        [person, twin].map(({ token }) => latchkey.get('/api/v2/sessions/current', token)),
      );
      expect(alive.map(statusOf).sort()).toEqual([200, 401]);
    }
  });
});
