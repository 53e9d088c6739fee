import { Injectable } from '@nestjs/common';
import { calculateJwkThumbprint, type JWK } from 'jose';
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { Clock } from '../clock.js';
import { AuditLog } from '../delivery/audit-log.js';
import { Sealer, WrongKeyError } from '../secrets.js';
import { KeysStore } from './keys.store.js';
import { SigningKey } from './signing-key.entity.js';

/** Longest life of a JWT in seconds (DECISIONS.md, Native 7). */
export const MAX_JWT_SECONDS = 3_600;
/** How long a verifier may keep the published keys, in seconds. */
export const JWKS_MAX_AGE_SECONDS = 60;
/** How long this process goes without looking for new keys. */
const REREAD_SECONDS = 10;
/** A new key is published so long before it signs, so that nobody meets an unknown one. */
const PUBLISHED_AHEAD_SECONDS = JWKS_MAX_AGE_SECONDS + REREAD_SECONDS;
/** With an unknown `kid` the keys are read anew at most so often. */
const UNKNOWN_KID_REREAD_MILLISECONDS = 100;

/** What a JWT of ours carries in its payload: exactly these members, in this order (the contract's example). */
export interface JwtPayload {
  readonly user_id: number;
  /** Seconds since 1970. */
  readonly exp: number;
  readonly type: 'read-only';
}

/** A JWT whose signature and shape are right; whether its session lives is another question. */
interface VerifiedJwt {
  readonly kid: string;
  readonly sessionId: string;
  readonly userId: string;
  readonly expiresAt: Date;
}

interface LoadedKey {
  readonly row: SigningKey;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** The keys that sign JWTs: ES256, published, rotated with overlap. */
@Injectable()
export class KeysService {
  private keys: LoadedKey[] = [];
  private readAt = -Infinity;

  constructor(
    private readonly store: KeysStore,
    private readonly sealer: Sealer,
    private readonly clock: Clock,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Makes the first key when there is none.
   * @throws Error when the keys there are were sealed under another SECRET_KEY: no JWT could be signed, and no
   *   second factor checked
   */
  async ensureKey(): Promise<void> {
    const now = this.clock.now();
    await this.store.addFirst(() => this.newKey(now, now), now);
    try {
      await this.reread(0);
    } catch (error) {
      if (!(error instanceof WrongKeyError)) throw error;
      throw new Error('SECRET_KEY is not the one that sealed the keys in this database', { cause: error });
    }
  }

  /**
   * Adds a key and retires the present ones. By default nothing breaks: the new key is published before it
   * signs, and the old ones verify until the last JWT they signed has expired. `atOnce` is for a leaked key:
   * every JWT there is dies with the old keys.
   * @returns when the new key signs and when the old ones retire
   */
  async rotate(atOnce: boolean): Promise<{ kid: string; signsFrom: Date; oldRetireAt: Date }> {
    const now = this.clock.now();
    const signsFrom = atOnce ? now : new Date(now.getTime() + PUBLISHED_AHEAD_SECONDS * 1000);
    // Others reread their keys within REREAD_SECONDS, and may sign with the old one until then.
    const overlap = (PUBLISHED_AHEAD_SECONDS + REREAD_SECONDS + MAX_JWT_SECONDS) * 1000;
    const oldRetireAt = atOnce ? now : new Date(now.getTime() + overlap);
    const key = await this.newKey(now, signsFrom);
    await this.store.replace(key, oldRetireAt);
    this.readAt = -Infinity;
    this.audit.record({ action: 'keys.rotate', outcome: 'ok' });
    return { kid: key.kid, signsFrom, oldRetireAt };
  }

  /** The public halves, as RFC 7517 has them. */
  async jwks(): Promise<{ keys: JWK[] }> {
    await this.reread(REREAD_SECONDS * 1000);
    return { keys: this.unretired().map(({ row }) => row.publicJwk) };
  }

  /**
   * Signs a JWT: header `{alg, kid, sid}`, payload as given. Signing is synchronous on purpose: through
   * libuv's pool it would stand in line behind password hashes (PERFORMANCE.md, JWT).
   */
  async sign(sessionId: string, payload: JwtPayload): Promise<string> {
    await this.reread(REREAD_SECONDS * 1000);
    const now = this.clock.now();
    const key = this.unretired().find(({ row }) => row.signsFrom <= now);
    if (key === undefined)
      throw new Error('no signing key: start the server once, or run `latchkey keys rotate --now`');
    const signed = `${encode({ alg: 'ES256', kid: key.row.kid, sid: sessionId })}.${encode(payload)}`;
    const signature = sign('sha256', Buffer.from(signed), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  }

  /** What a JWT of ours says, or null for whatever is not one: forged, foreign, expired, of another shape. */
  async verify(jwt: string): Promise<VerifiedJwt | null> {
    const [header, payload, signature, ...more] = jwt.split('.');
    if (!header || !payload || !signature || more.length > 0) return null;
    const { alg, kid, sid, ...otherHeaders } = decode(header) ?? {};
    if (alg !== 'ES256' || typeof kid !== 'string' || typeof sid !== 'string') return null;
    if (Object.keys(otherHeaders).length > 0 || !/^[1-9]\d{0,18}$/.test(sid)) return null;
    const key = await this.find(kid);
    const raw = strictBase64Url(signature);
    if (key === undefined || raw?.length !== 64) return null;
    const fits = verify(
      'sha256',
      Buffer.from(`${header}.${payload}`),
      { key: key.publicKey, dsaEncoding: 'ieee-p1363' },
      raw,
    );
    const { user_id, exp, type, ...otherClaims } = fits ? (decode(payload) ?? {}) : {};
    if (type !== 'read-only' || !Number.isSafeInteger(user_id) || !Number.isSafeInteger(exp)) return null;
    if (Object.keys(otherClaims).length > 0 || (exp as number) <= this.clock.seconds()) return null;
    return { kid, sessionId: sid, userId: String(user_id), expiresAt: new Date((exp as number) * 1000) };
  }

  private async find(kid: string): Promise<LoadedKey | undefined> {
    const known = () => this.unretired().find(({ row }) => row.kid === kid);
    await this.reread(REREAD_SECONDS * 1000);
    if (known() === undefined) await this.reread(UNKNOWN_KID_REREAD_MILLISECONDS);
    return known();
  }

  private unretired(): LoadedKey[] {
    const now = this.clock.now();
    return this.keys.filter(({ row }) => row.retiresAt === null || row.retiresAt > now);
  }

  private async reread(unlessYoungerThanMilliseconds: number): Promise<void> {
    const now = this.clock.milliseconds();
    if (Math.abs(now - this.readAt) < unlessYoungerThanMilliseconds) return;
    const rows = await this.store.unretired(this.clock.now());
    this.keys = rows.map((row) => ({
      row,
      publicKey: createPublicKey({ key: row.publicJwk, format: 'jwk' }),
      privateKey: createPrivateKey(this.sealer.open(row.sealedPrivateKey, sealPurpose(row.kid))),
    }));
    this.readAt = now;
  }

  private async newKey(createdAt: Date, signsFrom: Date): Promise<SigningKey> {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = publicKey.export({ format: 'jwk' }) as JWK;
    const kid = await calculateJwkThumbprint(jwk);
    return Object.assign(new SigningKey(), {
      kid,
      algorithm: 'ES256',
      publicJwk: { ...jwk, kid, alg: 'ES256', use: 'sig' },
      sealedPrivateKey: this.sealer.seal(
        privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
        sealPurpose(kid),
      ),
      createdAt,
      signsFrom,
      retiresAt: null,
    });
  }
}

function sealPurpose(kid: string): string {
  return `signing key ${kid}`;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

function decode(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(strictBase64Url(part)?.toString('utf8') ?? '');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

/** Node's decoder takes stray characters and padding; a token has one spelling only. */
function strictBase64Url(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : null;
}
