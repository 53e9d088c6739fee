import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateSync } from 'otplib';
import { resource, type Client } from '../support/client.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';

jest.setTimeout(60_000);

const PASSWORD = 'correct horse battery';
const HOUR_SECONDS = 3_600;
/** A clock of the process that is put an hour on by one signal and an hour back by another. */
const STEPPABLE = `
  const Real = Date;
  let offset = 0;
  globalThis.Date = class Date extends Real {
    constructor(...given) {
      if (given.length === 0) super(Real.now() + offset);
      else super(...given);
    }
    static now() {
      return Real.now() + offset;
    }
  };
  process.on('SIGUSR2', () => (offset += ${HOUR_SECONDS * 1000}));
  process.on('SIGHUP', () => (offset -= ${HOUR_SECONDS * 1000}));`;
const ON = { name: 'an hour on', signal: 'SIGUSR2', undo: 'SIGHUP', seconds: HOUR_SECONDS } as const;
const BACK = { name: 'an hour back', signal: 'SIGHUP', undo: 'SIGUSR2', seconds: -HOUR_SECONDS } as const;

describe('the clock of one instance of two is put', () => {
  let database: TestDatabase;
  let server: ServerProcess;
  let stepped: Client;
  let steady: Client;
  let admin: string;
  let people = 0;

  beforeAll(async () => {
    database = await createTestDatabase();
    const settings = {
      DATABASE_URL: database.url,
      SECRET_KEY: '0123456789abcdef'.repeat(4),
      ADMIN_PASSWORD: PASSWORD,
    };
    steady = (await ServerProcess.start(settings)).client();
    server = await ServerProcess.start(settings, STEPPABLE);
    stepped = server.client();
    admin = (await steady.session('admin@example.com', PASSWORD)).token;
  });
  afterEach(() => {
    expect(server.log.filter(({ msg }) => msg === 'bug')).toEqual([]);
  });
  afterAll(async () => {
    await stopAllServers();
    await database.drop();
  });

  describe.each([ON, BACK])('$name', ({ signal, undo, seconds }) => {
    afterAll(() => step(undo, 0));

    it('SECURITY 164: sessions of before and after live on both, and what is revoked on either is refused by both', async () => {
      const before = await person();
      const machine = resource('sessions', { name: 'deployment' });
      const minted = await steady.call('POST', '/api/v2/sessions/machine', before.token, machine);
      await step(signal, seconds);
      const after = await stepped.session(before.email, PASSWORD);
      for (const client of [steady, stepped]) {
        for (const token of [admin, before.token, after.token, minted.body.data.attributes.token]) {
          expect(await client.statusOf(token)).toBe(200);
        }
        expect((await client.get('/api/v2/sessions', after.token)).body.data).toHaveLength(3);
      }
      await end(stepped, before);
      await end(steady, { sessionId: after.id, token: after.token });
      for (const client of [steady, stepped]) {
        for (const { token } of [before, after]) expect(await client.statusOf(token)).toBe(401);
      }
    });

    it('SECURITY 164: a JWT expires by the clock of who is asked, and no sooner than its session ends', async () => {
      const { sessionId, token } = await person();
      const jwts = await Promise.all([steady, stepped].map((client) => jwtOf(client, token)));
      for (const client of [steady, stepped]) {
        const [ofSteady, ofStepped] = await Promise.all(jwts.map((jwt) => client.statusOf(jwt)));
        const own = client === steady ? ofSteady : ofStepped;
        const foreign = client === steady ? ofStepped : ofSteady;
        expect(own).toBe(200);
        const ahead = client === steady ? -seconds : seconds;
        expect(foreign).toBe(ahead > 0 ? 401 : 200); // an hour is more than the five minutes of a JWT
      }
      await end(steady, { sessionId, token });
      for (const jwt of jwts)
        for (const client of [steady, stepped]) expect(await client.statusOf(jwt)).toBe(401);
    });

    it('SECURITY 164: no code passes twice, nor one of an hour that is over; recovery codes pass wherever the clock stands', async () => {
      const { id, email, token } = await person();
      const { secret, recoveryCodes } = await enableTwoFactor(id, token);
      const [first, second] = seconds > 0 ? [stepped, steady] : [steady, stepped];
      const [ahead, behind] = seconds > 0 ? [seconds, 0] : [0, seconds];
      const later = codeAt(secret, ahead + 30);
      expect(await validate(first, email, later)).toBe(200);
      expect(await validate(first, email, later)).toBe(422);
      expect(await validate(second, email, later)).toBe(422);
      expect(await validate(second, email, codeAt(secret, behind))).toBe(422);
      expect(await validate(second, email, recoveryCodes[0]!)).toBe(200);
      expect(await validate(first, email, recoveryCodes[0]!)).toBe(422);
    });

    it('SECURITY 16, 164: failed sign-ins are counted together, and stand on both for as long', async () => {
      const { email } = await person();
      for (let tries = 0; tries < 10; tries++) {
        const client = tries % 2 === 0 ? stepped : steady;
        expect((await client.signIn(email, 'not the password')).status).toBe(401);
      }
      const refusals = await Promise.all([steady, stepped].map((client) => client.signIn(email, PASSWORD)));
      for (const { status, headers } of refusals) {
        expect(status).toBe(429);
        expect(Number(headers['retry-after'])).toBeGreaterThan(0);
        expect(Number(headers['retry-after'])).toBeLessThanOrEqual(15 * 60);
      }
    });
  });

  it('and is right again: sessions of either time still live', async () => {
    const tokens: string[] = [];
    for (const { signal, undo, seconds } of [ON, BACK]) {
      await step(signal, seconds);
      tokens.push((await stepped.session('admin@example.com', PASSWORD)).token);
      await step(undo, 0);
    }
    for (const token of tokens) {
      for (const client of [steady, stepped]) expect(await client.statusOf(token)).toBe(200);
    }
  });

  /** Sends the signal and waits until the clock of `stepped` is off by so many seconds, give or take a minute. */
  async function step(signal: NodeJS.Signals, seconds: number): Promise<void> {
    server.signal(signal);
    const proof = resource('sessions', { email: 'admin@example.com', password: PASSWORD });
    for (;;) {
      const { body } = await stepped.call(
        'POST',
        '/api/v2/sessions?fields[sessions]=created_at',
        undefined,
        proof,
      );
      const off = (Date.parse(body.data.attributes.created_at) - Date.now()) / 1000;
      if (Math.abs(off - seconds) < 60) return;
      await sleep(50);
    }
  }

  async function person() {
    const email = `person${++people}@example.com`;
    const id = await steady.addUser(admin, email, PASSWORD);
    const { id: sessionId, token } = await steady.session(email, PASSWORD);
    return { id, email, sessionId, token };
  }

  /** Turns two-factor authentication on, on the steady one. */
  async function enableTwoFactor(userId: string, token: string) {
    const begin = resource('otp_enrollments', { password: PASSWORD });
    const begun = await steady.call('POST', `/api/v2/users/${userId}/otp_enrollments`, token, begin);
    const { id, attributes } = begun.body.data;
    const secret: string = attributes.secret;
    const confirm = resource('otp_enrollments', { otp: codeAt(secret, 0) });
    const { body } = await steady.call('PUT', `/api/v2/otp_enrollments/${id}/confirm`, token, confirm);
    return { secret, recoveryCodes: body.data.attributes.recovery_codes as string[] };
  }
});

async function end(
  client: Client,
  { sessionId, token }: { sessionId: string; token: string },
): Promise<void> {
  expect((await client.call('DELETE', `/api/v2/sessions/${sessionId}`, token)).status).toBe(204);
}

async function jwtOf(client: Client, token: string): Promise<string> {
  return (await client.call('POST', '/api/v2/sessions/jwt', token)).body.jwt;
}

/** The status of validating a code for a new session, on the instance that opened it. */
async function validate(client: Client, email: string, otp: string): Promise<number> {
  const { id } = await client.session(email, PASSWORD);
  const proof = resource('sessions', { password: PASSWORD, otp });
  return (await client.call('PUT', `/api/v2/sessions/${id}/validate_otp`, undefined, proof)).status;
}

/** The code that an app shows so many seconds from now. */
function codeAt(secret: string, secondsFromNow: number): string {
  return generateSync({ secret, epoch: Math.floor(Date.now() / 1000) + secondsFromNow });
}
