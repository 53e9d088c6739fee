import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { resource, type Answer, type Client } from '../support/client.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { Forwarder } from '../support/forwarder.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';
import { ask } from '../support/sql.js';

jest.setTimeout(60_000);

const PASSWORD = 'correct horse battery';

describe('SECURITY 151: the connection to PostgreSQL breaks between a COMMIT and its answer', () => {
  let database: TestDatabase;
  let between: Forwarder;
  let client: Client;
  let admin: string;
  let people = 0;
  let person: { id: string; email: string; sessionId: string; token: string };

  beforeAll(async () => {
    database = await createTestDatabase();
    const url = new URL(database.url);
    between = await Forwarder.to(Number(url.port || 5432));
    url.host = `127.0.0.1:${between.port}`;
    const server = await ServerProcess.start({
      DATABASE_URL: url.href,
      SECRET_KEY: '0123456789abcdef'.repeat(4),
      ADMIN_PASSWORD: PASSWORD,
    });
    client = server.client();
    admin = (await client.session('admin@example.com', PASSWORD)).token;
  });
  afterAll(async () => {
    client.close();
    await stopAllServers();
    await between.close();
    await database.drop();
  });
  beforeEach(async () => {
    const email = `person${++people}@example.com`;
    const id = await client.addUser(admin, email, PASSWORD);
    const { id: sessionId, token } = await client.session(email, PASSWORD);
    person = { id, email, sessionId, token };
  });

  it('a sign-in is answered 503, the next one works, and what nobody was told of is listed and can be ended', async () => {
    await expectUnavailable(() => client.signIn(person.email, PASSWORD));
    const { token } = await client.session(person.email, PASSWORD);
    const { body } = await client.get('/api/v2/sessions', token);
    expect(body.data).toHaveLength(3);
    expect((await client.call('POST', '/api/v2/sessions/revoke', token)).body.meta).toEqual({ revoked: 2 });
  });

  it('ending a session is answered 503; it is ended, and asked again, it is not there', async () => {
    const { token } = await client.session(person.email, PASSWORD);
    const end = () => client.call('DELETE', `/api/v2/sessions/${person.sessionId}`, token);
    await expectUnavailable(end);
    expect(await client.statusOf(person.token)).toBe(401);
    expect((await end()).status).toBe(404);
  });

  it('a recovery code is answered 503; it was spent once, by this session, and opens no other', async () => {
    const [code] = await client.enableTwoFactor(person.token, person.id, PASSWORD);
    const proof = resource('sessions', { password: PASSWORD, otp: code });
    const validate = (id: string) =>
      client.call('PUT', `/api/v2/sessions/${id}/validate_otp`, undefined, proof);
    const pending = (await client.session(person.email, PASSWORD)).id;
    await expectUnavailable(() => validate(pending));
    expect(await ask(database.url, 'SELECT status FROM sessions WHERE id = $1', [pending])).toEqual([
      { status: 'active' },
    ]);
    expect((await validate((await client.session(person.email, PASSWORD)).id)).status).toBe(422);
  });

  /** What was asked is committed, and the server is not told. */
  async function expectUnavailable(request: () => Promise<Answer>): Promise<void> {
    between.breakAfter('COMMIT');
    const { status, headers, body } = await request();
    expect({ status, code: body.errors[0].code }).toEqual({ status: 503, code: 'unavailable' });
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  }
});
