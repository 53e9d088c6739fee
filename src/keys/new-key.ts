import { calculateJwkThumbprint, type JWK } from 'jose';
import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { Sealer } from '../secrets.js';
import { SigningKey, type Algorithm } from './signing-key.entity.js';

/** Generated aside: an RSA key may take a second. */
const generate = promisify(generateKeyPair);

/** A new key for the algorithm: P-256, or RSA of 2,048 bits. Its private half is sealed. */
export async function newKey(
  algorithm: Algorithm,
  sealer: Sealer,
  createdAt: Date,
  signsFrom: Date,
): Promise<SigningKey> {
  const { publicKey, privateKey } = await (algorithm === 'ES256'
    ? generate('ec', { namedCurve: 'P-256' })
    : generate('rsa', { modulusLength: 2048 }));
  const jwk = publicKey.export({ format: 'jwk' }) as JWK;
  const kid = await calculateJwkThumbprint(jwk);
  return Object.assign(new SigningKey(), {
    kid,
    algorithm,
    publicJwk: { ...jwk, kid, alg: algorithm, use: 'sig' },
    sealedPrivateKey: sealer.seal(
      privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
      sealPurpose(kid),
    ),
    createdAt,
    signsFrom,
    retiresAt: null,
  });
}

/** What the private half of a key is sealed for. */
export function sealPurpose(kid: string): string {
  return `signing key ${kid}`;
}
