import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { resource, type Client } from '../support/client.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';

jest.setTimeout(60_000);

const PASSWORD = 'correct horse battery';
const CYCLES = 200;

describe('two processes on one database', () => {
  let database: TestDatabase;
  let one: Client;
  let other: Client;
  let admin: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    const settings = {
      DATABASE_URL: database.url,
      SECRET_KEY: '0123456789abcdef'.repeat(4),
      ADMIN_PASSWORD: PASSWORD,
    };
    const servers = [await ServerProcess.start(settings), await ServerProcess.start(settings)];
    [one, other] = servers.map((server) => server.client()) as [Client, Client];
    admin = (await one.session('admin@example.com', PASSWORD)).token;
  });

  afterAll(async () => {
    await stopAllServers();
    await database.drop();
  });

  let people = 0;
  async function person() {
    const email = `person${++people}@example.com`;
    const id = await one.addUser(admin, email, PASSWORD);
    return { id, email, ...(await signIn(email)) };
  }

  async function signIn(email: string) {
    const { id: sessionId, token } = await one.session(email, PASSWORD);
    return { sessionId, token };
  }

  async function jwtOf(token: string): Promise<string> {
    const { status, body } = await one.call('POST', '/api/v2/sessions/jwt?expires_in=3600', token);
    expect(status).toBe(201);
    return body.jwt;
  }

  it('refuse, one as the other, a revoked token on the very next request, 200 times', async () => {
    const { email } = await person();
    let left = CYCLES;
    const worker = async () => {
      while (left-- > 0) {
        const { sessionId, token } = await signIn(email);
        expect(await other.statusOf(token)).toBe(200);
        expect((await one.call('DELETE', `/api/v2/sessions/${sessionId}`, token)).status).toBe(204);
        expect(await other.statusOf(token)).toBe(401);
      }
    };
    await Promise.all([1, 2, 3, 4].map(worker));
  });

  it('refuse a JWT once its session is revoked', async () => {
    const { token, email } = await person();
    const { sessionId, token: jwtsToken } = await signIn(email);
    const jwt = await jwtOf(jwtsToken);
    expect(await other.statusOf(jwt)).toBe(200);
    expect((await one.call('DELETE', `/api/v2/sessions/${sessionId}`, token)).status).toBe(204);
    expect(await other.statusOf(jwt)).toBe(401);
  });

  it('refuse every session of a user who is closed, machine ones and JWTs too', async () => {
    const { id, token } = await person();
    const machine = resource('sessions', { name: 'deployment' });
    const minted = await one.call('POST', '/api/v2/sessions/machine', token, machine);
    const credentials = [token, minted.body.data.attributes.token, await jwtOf(token)];
    for (const credential of credentials) expect(await other.statusOf(credential)).toBe(200);
    expect((await one.call('DELETE', `/api/v2/users/${id}`, admin)).status).toBe(204);
    for (const credential of credentials) expect(await other.statusOf(credential)).toBe(401);
  });

  it('refuse the other browser sessions of a user whose password changed, and keep the one it changed in', async () => {
    const { id, email, token } = await person();
    const elsewhere = await signIn(email);
    expect(await other.statusOf(elsewhere.token)).toBe(200);
    const change = {
      data: { type: 'users', id, attributes: { password: 'staple battery', current_password: PASSWORD } },
    };
    expect((await one.call('PATCH', `/api/v2/users/${id}`, token, change)).status).toBe(200);
    expect(await other.statusOf(elsewhere.token)).toBe(401);
    expect(await other.statusOf(token)).toBe(200);
    expect((await other.signIn(email, PASSWORD)).status).toBe(401);
  });

  it('refuse the other browser sessions of a user who turned two-factor authentication on', async () => {
    const { id, email, token } = await person();
    const elsewhere = await signIn(email);
    expect(await other.statusOf(elsewhere.token)).toBe(200);
    await one.enableTwoFactor(token, id, PASSWORD);
    expect(await other.statusOf(elsewhere.token)).toBe(401);
    expect(await other.statusOf(token)).toBe(200);
  });

  it('let a recovery code win once, on whichever it is tried', async () => {
    const { id, email, token } = await person();
    const [code] = await one.enableTwoFactor(token, id, PASSWORD);
    const pending = await Promise.all(Array.from({ length: 8 }, () => signIn(email)));
    const proof = resource('sessions', { password: PASSWORD, otp: code });
    const answers = await Promise.all(
      pending.map(({ sessionId }, turn) =>
        (turn % 2 ? one : other).call('PUT', `/api/v2/sessions/${sessionId}/validate_otp`, undefined, proof),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 422, 422, 422, 422, 422, 422, 422]);
  });
});
