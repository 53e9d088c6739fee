import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CompactEncrypt, importJWK, type JWK } from 'jose';
import { createHmac, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { UNAUTHENTICATED } from '../support/refusals.js';

let latchkey: Latchkey;
let user: SignedInPerson;
let admin: SignedInPerson;
/** A genuine JWT and its parts. */
let jwt: string;
let header: string;
let payload: string;
let signature: string;
let kid: string;
let publicJwk: JWK;
/** The published key, as an attacker has it. */
let published: KeyObject;
/** Keys of the attacker's own. */
const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ownRsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ownEd = generateKeyPairSync('ed25519');
const other384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });

beforeAll(async () => {
  latchkey = await Latchkey.start();
  latchkey.clock.freeze();
  user = await latchkey.asUser();
  admin = await latchkey.asAdmin();
  jwt = (await latchkey.post('/api/v2/sessions/jwt?expires_in=3600', user.token).expect(201)).body.jwt;
  [header, payload, signature] = jwt.split('.') as [string, string, string];
  const { body } = await latchkey.get('/.well-known/jwks.json', null).set('Accept', '*/*').expect(200);
  publicJwk = body.keys[0];
  kid = publicJwk.kid!;
  published = createPublicKey({ key: publicJwk, format: 'jwk' });
});
afterAll(() => latchkey.stop());

function encoded(part: unknown): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
}

function claims(): object {
  return { user_id: Number(admin.id), exp: latchkey.clock.seconds() + 600, type: 'read-only' };
}

function head(more: object = {}): object {
  return { alg: 'ES256', kid, sid: admin.sessionId, ...more };
}

/** A JWT for the administrator, signed as told. */
function forged(more: object, signer: (signed: string) => Buffer | string, sent: object = claims()): string {
  const signed = `${encoded(head(more))}.${encoded(sent)}`;
  const made = signer(signed);
  return `${signed}.${typeof made === 'string' ? made : made.toString('base64url')}`;
}

const unsigned = () => '';
const byOwnKey = (signed: string) =>
  sign('sha256', Buffer.from(signed), { key: own.privateKey, dsaEncoding: 'ieee-p1363' });
const hs256 = (secret: string | Buffer) => (signed: string) =>
  createHmac('sha256', secret).update(signed).digest();
const zeros = (bytes: number) => () => Buffer.alloc(bytes);
const ownJwk = () => own.publicKey.export({ format: 'jwk' });
const pem = () => published.export({ format: 'pem', type: 'spki' }).toString();
/** The order of P-256, as r or s it is zero. */
const ORDER = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');

const WEAK = [
  '',
  'secret',
  'password',
  'changeme',
  '123456',
  'latchkey',
  'jwt',
  'key',
  'null',
  'undefined',
  'your-256-bit-secret',
  'test',
  '0',
  '\0',
];

const FORGERIES: [string, () => string | Promise<string>][] = [
  ...['none', 'None', 'nOnE', 'NONE', '', ' ', null, undefined, ['none'], 0, true].map(
    (alg): [string, () => string] => [
      `alg ${JSON.stringify(alg)}, unsigned`,
      () => forged({ alg }, unsigned),
    ],
  ),
  ['alg none with the genuine signature', () => forged({ alg: 'none' }, () => signature)],
  ['the signature cut off', () => `${header}.${payload}.`],
  ['the signature and its dot cut off', () => `${header}.${payload}`],
  ['other claims under the genuine signature', () => `${header}.${encoded(claims())}.${signature}`],
  ['another header over the genuine signature', () => `${encoded(head())}.${payload}.${signature}`],
  ['a bit of the signature flipped', () => `${header}.${payload}.${flipped(signature)}`],
  ['a signature with the order added to it', () => `${header}.${payload}.${signature}AAAA`],
  ['the genuine signature in DER', () => `${header}.${payload}.${inDer(signature)}`],
  ['the genuine signature in another spelling of base64', () => `${header}.${payload}.${signature}=`],
  ['a blank in the payload', () => `${header}.${payload} .${signature}`],
  ['a dot more', () => `${jwt}.`],
  ['five parts', () => `${jwt}.${signature}.${signature}`],
  ['HS256 under the published key as PEM', () => forged({ alg: 'HS256' }, hs256(pem()))],
  ['HS256 under that PEM without its last line break', () => forged({ alg: 'HS256' }, hs256(pem().trim()))],
  [
    'HS256 under the published key as DER',
    () => forged({ alg: 'HS256' }, hs256(published.export({ format: 'der', type: 'spki' }))),
  ],
  ['HS256 under the published key as JWK', () => forged({ alg: 'HS256' }, hs256(JSON.stringify(publicJwk)))],
  [
    'HS256 under the x of the published key',
    () => forged({ alg: 'HS256' }, hs256(Buffer.from(publicJwk.x!, 'base64url'))),
  ],
  ['HS256 under the kid', () => forged({ alg: 'HS256' }, hs256(kid))],
  ...WEAK.map((secret): [string, () => string] => [
    `HS256 under the weak key ${JSON.stringify(secret)}`,
    () => forged({ alg: 'HS256' }, hs256(secret)),
  ]),
  ['ES256 by a key of their own', () => forged({}, byOwnKey)],
  [
    'RS256 by a key of their own',
    () => forged({ alg: 'RS256' }, (signed) => sign('sha256', Buffer.from(signed), ownRsa.privateKey)),
  ],
  [
    'PS256 by a key of their own',
    () => forged({ alg: 'PS256' }, (signed) => sign('sha256', Buffer.from(signed), ownRsa.privateKey)),
  ],
  [
    'EdDSA by a key of their own',
    () => forged({ alg: 'EdDSA' }, (signed) => sign(null, Buffer.from(signed), ownEd.privateKey)),
  ],
  [
    'ES384 by a key of their own',
    () =>
      forged({ alg: 'ES384' }, (signed) =>
        sign('sha384', Buffer.from(signed), { key: other384.privateKey, dsaEncoding: 'ieee-p1363' }),
      ),
  ],
  ['their own key embedded as jwk', () => forged({ jwk: ownJwk() }, byOwnKey)],
  ['their own key embedded as jwk, and no kid', () => forged({ jwk: ownJwk(), kid: undefined }, byOwnKey)],
  ['their own keys at jku', () => forged({ jku: `${latchkey.url}/keys.json` }, byOwnKey)],
  ['their own certificate at x5u', () => forged({ x5u: 'http://127.0.0.1:1/cert.pem' }, byOwnKey)],
  ['their own certificate in x5c', () => forged({ x5c: [ownJwk().x] }, byOwnKey)],
  ...[
    '/dev/null',
    '../../../../dev/null',
    `' UNION SELECT 'x`,
    `x' OR '1'='1`,
    '__proto__',
    'constructor',
    'toString',
    '',
    '\0',
    'x'.repeat(4_000),
  ].map((name): [string, () => string] => [
    `kid ${JSON.stringify(name.slice(0, 30))}`,
    () => forged({ kid: name }, byOwnKey),
  ]),
  ...[null, 7, ['a'], {}, true].map((name): [string, () => string] => [
    `kid ${JSON.stringify(name)}, which is no text`,
    () => forged({ kid: name }, byOwnKey),
  ]),
  ['crit', () => forged({ crit: ['exp'] }, byOwnKey)],
  ['b64 false', () => forged({ b64: false, crit: ['b64'] }, byOwnKey)],
  ['zip', () => forged({ zip: 'DEF' }, byOwnKey)],
  ['a signature of 64 zeros (CVE-2022-21449)', () => forged({}, zeros(64))],
  ['EdDSA with 64 zeros', () => forged({ alg: 'EdDSA' }, zeros(64))],
  ['r and s the order of the curve', () => forged({}, () => Buffer.concat([ORDER, ORDER]))],
  [
    'r and s one',
    () =>
      forged({}, () =>
        Buffer.concat([Buffer.alloc(31), Buffer.from([1]), Buffer.alloc(31), Buffer.from([1])]),
      ),
  ],
  ['an empty DER signature', () => forged({}, () => Buffer.from('3006020100020100', 'hex'))],
  ['encrypted to the published key (JWE)', async () => encryptedToPublished()],
  [
    'encrypted without a key (JWE, dir)',
    () => `${encoded({ alg: 'dir', enc: 'A256GCM', kid })}..AAAA.${payload}.AAAA`,
  ],
  [
    'a header 1,000 levels deep',
    () => `${encoded(`${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}`)}.${payload}.${signature}`,
  ],
  ['a header that is a list', () => `${encoded([head()])}.${payload}.${signature}`],
  ['a header that is null', () => `${encoded('null')}.${payload}.${signature}`],
  [
    'a header with __proto__',
    () =>
      `${encoded(`{"__proto__":{"alg":"ES256","kid":"${kid}","sid":"${admin.sessionId}"}}`)}.${payload}.${signature}`,
  ],
  ['no JSON', () => `${encoded('{')}.${encoded('{')}.${signature}`],
  ['three empty parts', () => 'e30.e30.'],
  ['two dots', () => '..'],
];

describe('SECURITY 90: a forged JWT', () => {
  it('is told from a genuine one', async () => {
    await latchkey.get('/api/v2/sessions', jwt).expect(200);
    expect(FORGERIES.length).toBeGreaterThanOrEqual(53);
  });

  it.each(FORGERIES)('is refused: %s', async (_, forge) => {
    const token = await forge();
    for (const [name, value] of [
      ['X-Auth-Token', token],
      ['Authorization', `Bearer ${token}`],
    ] as const) {
      const response = await latchkey.get('/api/v2/sessions', null).set(name, value);
      expect({ status: response.status, body: response.body }).toEqual({
        status: 401,
        body: UNAUTHENTICATED,
      });
    }
  });

  it('in the JSON form of JWS is refused', async () => {
    const json = JSON.stringify({ payload, protected: header, signature });
    const general = JSON.stringify({ payload, signatures: [{ protected: header, signature }] });
    for (const token of [json, general]) {
      await latchkey.get('/api/v2/sessions', token).expect(401, UNAUTHENTICATED);
    }
  });
});

function flipped(text: string): string {
  const bytes = Buffer.from(text, 'base64url');
  bytes[10]! ^= 1;
  return bytes.toString('base64url');
}

function inDer(text: string): string {
  const raw = Buffer.from(text, 'base64url');
  const integers = [raw.subarray(0, 32), raw.subarray(32)].map((part) =>
    Buffer.concat([Buffer.from([2, 33, 0]), part]),
  );
  return Buffer.concat([Buffer.from([0x30, 70]), ...integers]).toString('base64url');
}

async function encryptedToPublished(): Promise<string> {
  const key = await importJWK({ ...publicJwk, alg: 'ECDH-ES', use: 'enc' }, 'ECDH-ES');
  const text = new TextEncoder().encode(JSON.stringify(claims()));
  return new CompactEncrypt(text).setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', kid }).encrypt(key);
}
