import { Injectable } from '@nestjs/common';
import type { JWK } from 'jose';
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { OPERATOR } from '../caller.js';
import { Clock } from '../clock.js';
import { Config } from '../config.js';
import { done } from '../events/audit-event.js';
import { AuditLog } from '../events/audit-log.js';
import { Sealer, WrongKeyError } from '../secrets.js';
import { KeysStore } from './keys.store.js';
import { newKey, sealPurpose } from './new-key.js';
import type { Algorithm, SigningKey } from './signing-key.entity.js';

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
/** When a leaked key retires: a moment that has passed by every instance's clock, also by one that is behind. */
const LONG_AGO = new Date(0);

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

/**
 * The keys that sign JWTs, published, rotated with overlap: ES256, and RS256 where an API is served whose verifiers
 * know nothing but RSA.
 */
@Injectable()
export class KeysService {
  private keys: LoadedKey[] = [];
  private readAt = -Infinity;

  constructor(
    private readonly store: KeysStore,
    private readonly sealer: Sealer,
    private readonly clock: Clock,
    private readonly config: Config,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Makes the first key of each algorithm that is needed, when there is none.
   * @throws Error when the keys there are were sealed under another SECRET_KEY: no JWT could be signed, and no
   *   second factor checked
   */
  async ensureKey(): Promise<void> {
    const now = this.clock.now();
    const there = await this.store.unretired(now);
    for (const algorithm of this.needed()) {
      if (there.some((key) => key.algorithm === algorithm)) continue;
      await this.store.addFirst(await newKey(algorithm, this.sealer, now, now));
    }
    try {
      await this.reread(0);
    } catch (error) {
      if (!(error instanceof WrongKeyError)) throw error;
      throw new Error('SECRET_KEY is not the one that sealed the keys in this database', { cause: error });
    }
  }

  /**
   * Adds a key of each algorithm and retires the present ones. By default nothing breaks: a new key is published
   * before it signs, and the old ones verify until the last JWT they signed has expired. `atOnce` is for a leaked
   * key: every JWT there is dies with the old keys. For the command line.
   * @returns the new keys, the native one first, when they sign and when the old ones retire
   */
  async rotate(
    atOnce: boolean,
  ): Promise<{ kid: string; kids: string[]; signsFrom: Date; oldRetireAt: Date }> {
    const now = this.clock.now();
    const signsFrom = atOnce ? now : new Date(now.getTime() + PUBLISHED_AHEAD_SECONDS * 1000);
    // Others reread their keys within REREAD_SECONDS, and may sign with the old one until then.
    const overlap = (PUBLISHED_AHEAD_SECONDS + REREAD_SECONDS + MAX_JWT_SECONDS) * 1000;
    const oldRetireAt = atOnce ? now : new Date(now.getTime() + overlap);
    const successors: SigningKey[] = [];
    const there = (await this.store.unretired(now)).map(({ algorithm }) => algorithm);
    for (const algorithm of new Set([...this.needed(), ...there])) {
      successors.push(await newKey(algorithm, this.sealer, now, signsFrom));
    }
    await this.audit.accounted(async (manager, note) => {
      await this.store.replace(manager, successors, atOnce ? LONG_AGO : oldRetireAt);
      note(done('keys.rotate', OPERATOR));
    });
    this.readAt = -Infinity;
    const kids = successors.map(({ kid }) => kid);
    return { kid: kids[0]!, kids, signsFrom, oldRetireAt };
  }

  /**
   * The public halves, as RFC 7517 has them.
   * @param algorithm of this one only
   */
  async jwks(algorithm?: Algorithm): Promise<{ keys: JWK[] }> {
    await this.reread(REREAD_SECONDS * 1000);
    const asked = this.unretired().filter(
      ({ row }) => algorithm === undefined || row.algorithm === algorithm,
    );
    return { keys: asked.map(({ row }) => row.publicJwk) };
  }

  /**
   * Signs a JWT: header `{alg, kid, sid}`, payload as given. Signing is synchronous on purpose: through
   * libuv's pool it would stand in line behind password hashes (PERFORMANCE.md, JWT).
   */
  async sign(sessionId: string, payload: JwtPayload): Promise<string> {
    const key = await this.signingKey('ES256');
    const signed = `${encode({ alg: 'ES256', kid: key.row.kid, sid: sessionId })}.${encode(payload)}`;
    const signature = sign('sha256', Buffer.from(signed), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  }

  /**
   * Signs a JWT for verifiers that know nothing but RSA: header `{alg, kid, typ}` and the given members, claims as
   * given. It is no credential here. Synchronous as `sign`.
   */
  async signRs256(claims: object, header: object): Promise<string> {
    const { row, privateKey } = await this.signingKey('RS256');
    const signed = `${encode({ alg: 'RS256', ...header, kid: row.kid, typ: 'JWT' })}.${encode(claims)}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
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

  /** The newest key of the algorithm whose time has come; the oldest, when the clock was put back before them all. */
  private async signingKey(algorithm: Algorithm): Promise<LoadedKey> {
    await this.reread(REREAD_SECONDS * 1000);
    const now = this.clock.now();
    const newestFirst = this.unretired().filter(({ row }) => row.algorithm === algorithm);
    const key = newestFirst.find(({ row }) => row.signsFrom <= now) ?? newestFirst.at(-1);
    if (key === undefined)
      throw new Error(
        `no ${algorithm} key signs: start the server once, or run \`latchkey keys rotate --now\``,
      );
    return key;
  }

  private needed(): Algorithm[] {
    return this.config.get('FACES').includes('clerk') ? ['ES256', 'RS256'] : ['ES256'];
  }

  private async find(kid: string): Promise<LoadedKey | undefined> {
    const known = () => this.unretired().find(({ row }) => row.kid === kid && row.algorithm === 'ES256');
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
