import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Response, Test } from 'supertest';
import { DataSource } from 'typeorm';
import { sent } from '../support/held-rows.js';
import { document, Latchkey, PASSWORD, type SignedInPerson } from '../support/latchkey.js';
import { untilSomeoneWaits } from '../support/locks.js';

const NEW_PASSWORD = 'another battery staple';

let latchkey: Latchkey;
let admin: SignedInPerson;
let person: SignedInPerson;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  admin = await latchkey.asAdmin();
});
afterAll(() => latchkey.stop());
beforeEach(async () => {
  person = await latchkey.asUser();
  await latchkey.signIn(person);
});

const credentials = () => ({ email: person.email, password: person.password });
const close = () => latchkey.delete(`/api/v2/users/${person.id}`, admin.token);

/** What writes to sessions, alone or with other tables in one transaction; and its answer when nothing is in the way. */
const REQUESTS: [string, number, () => Test][] = [
  ['a sign-in', 201, () => latchkey.post('/api/v2/sessions', null, document('sessions', credentials()))],
  ['ending a session', 204, () => latchkey.delete(`/api/v2/sessions/${person.sessionId}`, person.token)],
  ['ending the other sessions', 200, () => latchkey.post('/api/v2/sessions/revoke', person.token)],
  [
    'a machine token',
    201,
    () => latchkey.post('/api/v2/sessions/machine', person.token, document('sessions', { name: 'ci' })),
  ],
  [
    'a change of password',
    200,
    () => {
      const attributes = { password: NEW_PASSWORD, current_password: PASSWORD };
      const body = document('users', attributes, { id: person.id });
      return latchkey.patch(`/api/v2/users/${person.id}`, person.token, body);
    },
  ],
  ['closing a user', 204, close],
];

describe.each([
  ['deadlock', '40P01'],
  ['serialisation failure', '40001'],
])('503: PostgreSQL reports a %s', (_, sqlState) => {
  it.each(REQUESTS)(
    'SECURITY 155: nothing of %s is left, and it may be asked for again',
    async (_what, status, ask) => {
      const before = await stored();
      await latchkey.sql(`CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '${sqlState}'; END $$`);
      await latchkey.sql(`CREATE TRIGGER lose AFTER INSERT OR UPDATE OR DELETE ON sessions
      FOR EACH ROW EXECUTE FUNCTION lose()`);
      const answer = await ask();
      await latchkey.sql('DROP FUNCTION lose CASCADE');
      expectUnavailable(answer);
      expect(await stored()).toEqual(before);
      await ask().expect(status);
    },
  );
});

describe('503: PostgreSQL breaks a deadlock', () => {
  it('SECURITY 155: nothing of closing a user is left, and it may be asked for again', async () => {
    const before = await stored();
    const other = latchkey.app.get(DataSource).createQueryRunner();
    await other.startTransaction();
    await other.query(`SET LOCAL deadlock_timeout = '1min'`); // so that it is the request that loses
    await other.query('SELECT FROM sessions WHERE user_id = $1 FOR UPDATE', [person.id]);
    const asked = sent(close());
    await untilSomeoneWaits(latchkey.database.url);
    await other.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [person.id]);
    const answer = await asked;
    await other.commitTransaction();
    await other.release();
    expectUnavailable(answer);
    expect(await stored()).toEqual(before);
    await close().expect(204);
  });
});

/** Everything that a request could leave half-done. */
async function stored(): Promise<unknown[]> {
  return latchkey.sql(
    `SELECT (SELECT json_agg(u ORDER BY id) FROM users u) AS users,
       (SELECT json_agg(s ORDER BY id) FROM sessions s) AS sessions`,
  );
}

function expectUnavailable({ status, headers, body }: Response): void {
  expect({ status, body }).toEqual({
    status: 503,
    body: { errors: [expect.objectContaining({ status: '503', code: 'unavailable' })] },
  });
  expect(Number(headers['retry-after'])).toBeGreaterThan(0);
}
