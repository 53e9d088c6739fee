import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { KeysService } from '../../src/keys/keys.service.js';
import { Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { UNAUTHENTICATED } from '../support/refusals.js';

const HOUR_SECONDS = 3_600;
let first: Latchkey;
let second: Latchkey;
let user: SignedInPerson;

beforeAll(async () => {
  first = await Latchkey.start();
  second = await Latchkey.start({}, first);
  user = await first.asUser();
  const now = first.clock.now();
  for (const { clock } of [first, second]) clock.freeze(now);
});
afterEach(() => moveBoth(4 * HOUR_SECONDS)); // by then only the newest key is left
afterAll(async () => {
  await second.stop();
  await first.stop();
});

function moveBoth(seconds: number): void {
  for (const { clock } of [first, second]) clock.move(seconds * 1000);
}

function rotate(atOnce: boolean) {
  return first.app.get(KeysService, { strict: false }).rotate(atOnce);
}

async function keysOf(latchkey: Latchkey): Promise<Record<string, string>[]> {
  const response = await latchkey.get('/.well-known/jwks.json', null).set('Accept', '*/*').expect(200);
  return response.body.keys;
}

async function sortedKidsOf(latchkey: Latchkey): Promise<string[]> {
  return (await keysOf(latchkey)).map(({ kid }) => kid!).sort();
}

async function jwtOf(latchkey: Latchkey): Promise<string> {
  const path = `/api/v2/sessions/jwt?expires_in=${HOUR_SECONDS}`;
  return (await latchkey.post(path, user.token).expect(201)).body.jwt;
}

/** Whether both instances, and anyone who reads the published keys, take a JWT. */
async function verdicts(jwt: string): Promise<unknown> {
  const keys = createRemoteJWKSet(new URL(`${first.url}/.well-known/jwks.json`));
  const published = await jwtVerify(jwt, keys, { currentDate: first.clock.now() }).then(
    () => 200,
    () => 401,
  );
  return {
    first: (await first.get('/api/v2/sessions', jwt)).status,
    second: (await second.get('/api/v2/sessions', jwt)).status,
    published,
  };
}

const ACCEPTED = { first: 200, second: 200, published: 200 };
const REFUSED = { first: 401, second: 401, published: 401 };

describe('200', () => {
  it('SECURITY 89: publishes the public members of its keys and no others, for a minute', async () => {
    const response = await first
      .get('/.well-known/jwks.json', null)
      .set('Accept', 'application/json')
      .expect(200);
    expect(response.headers['content-type']).toMatch(/^application\/jwk-set\+json/);
    expect(response.headers['cache-control']).toBe('public, max-age=60');
    const keys = await keysOf(first);
    expect(response.body).toEqual({ keys });
    expect(keys).toHaveLength(2);
    const native = keys.find(({ alg }) => alg === 'ES256')!;
    const rsa = keys.find(({ alg }) => alg === 'RS256')!;
    expect(Object.keys(native).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    expect(native).toMatchObject({ kty: 'EC', crv: 'P-256', use: 'sig' });
    expect(Object.keys(rsa).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
    expect(rsa).toMatchObject({ kty: 'RSA', e: 'AQAB', use: 'sig' });
    expect(Buffer.from(rsa.n!, 'base64url')).toHaveLength(256); // 2,048 bits
    expect(decodeProtectedHeader(await jwtOf(first)).kid).toBe(native.kid);
  });

  it('looks at no credential: a wrong one is as good as none', async () => {
    await first.get('/.well-known/jwks.json', 'nonsense').set('Accept', '*/*').expect(200);
  });

  it('keeps the private half sealed', async () => {
    const rows = await first.sql<{ row: string }>('SELECT k::text AS row FROM signing_keys k');
    for (const { row } of rows) expect(row).not.toMatch(/PRIVATE|2d2d2d2d2d|"d"/);
  });
});

describe('SECURITY 95: rotation', () => {
  it('publishes the new key at once, and signs with it only when every verifier has had time to read it', async () => {
    const published = await sortedKidsOf(first);
    const before = await jwtOf(first);
    const old = decodeProtectedHeader(before).kid;
    const { kid, kids, signsFrom } = await rotate(false);
    expect(await sortedKidsOf(first)).toEqual([...kids, ...published].sort());
    expect(signsFrom.getTime() - first.clock.milliseconds()).toBeGreaterThan(60_000);
    moveBoth(10); // the longest for which an instance goes without looking
    expect(await sortedKidsOf(second)).toEqual([...kids, ...published].sort());
    for (const instance of [first, second]) {
      expect(decodeProtectedHeader(await jwtOf(instance)).kid).toBe(old);
    }
    moveBoth((signsFrom.getTime() - first.clock.milliseconds()) / 1000);
    for (const instance of [first, second]) {
      const jwt = await jwtOf(instance);
      expect(decodeProtectedHeader(jwt).kid).toBe(kid);
      expect(await verdicts(jwt)).toEqual(ACCEPTED);
    }
    expect(await verdicts(before)).toEqual(ACCEPTED);
  });

  it('breaks no JWT: the last one of the old key verifies until it expires, and then the key goes', async () => {
    const old = decodeProtectedHeader(await jwtOf(first)).kid;
    const { kids, signsFrom, oldRetireAt } = await rotate(false);
    moveBoth((signsFrom.getTime() - first.clock.milliseconds()) / 1000 - 1);
    const last = await jwtOf(second);
    expect(decodeProtectedHeader(last).kid).toBe(old);
    moveBoth(HOUR_SECONDS - 1);
    expect(await verdicts(last)).toEqual(ACCEPTED);
    moveBoth(1);
    expect(await verdicts(last)).toEqual(REFUSED);
    moveBoth((oldRetireAt.getTime() - first.clock.milliseconds()) / 1000);
    for (const instance of [first, second]) expect(await sortedKidsOf(instance)).toEqual([...kids].sort());
  });

  it('at once ends every JWT there is, on every instance, and the next ones are good', async () => {
    const old = decodeProtectedHeader(await jwtOf(first)).kid;
    const [one, other] = [await jwtOf(first), await jwtOf(second)];
    const { kids } = await rotate(true);
    for (const jwt of [one, other]) {
      for (const instance of [first, second]) {
        await instance.get('/api/v2/sessions', jwt).expect(401, UNAUTHENTICATED);
      }
    }
    expect(await sortedKidsOf(first)).toEqual([...kids].sort());
    const fresh = await jwtOf(first);
    expect(decodeProtectedHeader(fresh).kid).not.toBe(old);
    moveBoth(1); // an unknown key is looked for at most once a second
    expect(await verdicts(fresh)).toEqual(ACCEPTED);
    expect(await verdicts(one)).toEqual(REFUSED);
  });

  it('at once in the middle of a gentle one leaves nothing of either old key', async () => {
    const gentle = await rotate(false);
    moveBoth((gentle.signsFrom.getTime() - first.clock.milliseconds()) / 1000);
    const jwt = await jwtOf(first);
    const { kids } = await rotate(true);
    expect(await sortedKidsOf(first)).toEqual([...kids].sort());
    await second.get('/api/v2/sessions', jwt).expect(401, UNAUTHENTICATED);
  });
});
