import bcrypt from 'bcrypt';
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hash,
  hkdfSync,
  randomBytes,
  randomInt,
  timingSafeEqual,
} from 'node:crypto';
import { Bulkhead } from './bulkhead.js';

const TOKEN = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A session token: 128 random bits written as a UUID, all of them random (DECISIONS.md, All APIs 3). */
export function mintToken(): string {
  return randomBytes(16)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Whether a text can be a token at all; what cannot is refused without asking the database. */
export function looksLikeToken(text: string): boolean {
  return TOKEN.test(text);
}

const BROWSER_TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** A browser's credential: 256 random bits in base64url, and so no session's token. */
export function mintBrowserToken(): string {
  return randomBytes(32).toString('base64url');
}

/** Whether a text can be a browser's credential at all. */
export function looksLikeBrowserToken(text: string): boolean {
  return BROWSER_TOKEN.test(text);
}

/** What is stored of a token: SHA-256. 128 random bits need neither salt nor stretching. */
export function hashToken(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}

/** A recovery code: eight lower-case letters, shown once (DECISIONS.md, All APIs 7). */
export function mintRecoveryCode(): string {
  return Array.from({ length: 8 }, () => String.fromCharCode(97 + randomInt(26))).join('');
}

/** A code to be sent: six digits (DECISIONS.md, All APIs 7). */
export function mintCode(): string {
  return String(randomInt(1_000_000)).padStart(6, '0');
}

/** A password for a person to copy once: 20 letters and digits that cannot be mistaken for each other. */
export function mintPassword(): string {
  const letters = 'abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789';
  return Array.from({ length: 20 }, () => letters[randomInt(letters.length)]).join('');
}

/** Seals small secrets at rest: AES-256-GCM under SECRET_KEY, bound to what they belong to. */
export class Sealer {
  /** @param key 32 bytes */
  constructor(private readonly key: Buffer) {}

  /** @returns 12 bytes of nonce, 16 of tag, the ciphertext. */
  seal(plain: string, boundTo: string): Buffer {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce).setAAD(Buffer.from(boundTo));
    const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
  }

  /** @throws WrongKeyError when it was sealed under another key, for another purpose, or was changed. */
  open(sealed: Buffer, boundTo: string): string {
    const decipher = createDecipheriv('aes-256-gcm', this.key, sealed.subarray(0, 12))
      .setAAD(Buffer.from(boundTo))
      .setAuthTag(sealed.subarray(12, 28));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8');
    } catch (error) {
      throw new WrongKeyError('sealed under another key', { cause: error });
    }
  }

  /** 32 bytes for one purpose, from which neither SECRET_KEY nor the key of another purpose can be told (RFC 5869). */
  deriveKey(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.key, '', purpose, 32));
  }
}

/** What was sealed does not open. */
export class WrongKeyError extends Error {}

/**
 * What is stored of a code that was sent: HMAC-SHA-256 under a key made from SECRET_KEY for nothing else, since a
 * million plain hashes are computed in a second.
 */
export class CodeHasher {
  private readonly key: Buffer;

  constructor(sealer: Sealer) {
    this.key = sealer.deriveKey('latchkey sent codes');
  }

  /** @param boundTo whose the code is and what it proves; under anything else its hash is another */
  hash(code: string, boundTo: string): Buffer {
    return createHmac('sha256', this.key).update(`${boundTo}\0${code}`).digest();
  }

  /** Whether a code is the one that a hash was made of; takes as long whatever the answer. */
  fits(code: string, boundTo: string, hash: Buffer): boolean {
    return timingSafeEqual(this.hash(code, boundTo), hash);
  }
}

/** Longest password in bytes of UTF-8: bcrypt looks at no more. */
export const MAX_PASSWORD_BYTES = 72;

/**
 * Hashes and checks passwords under bcrypt, so many at a time and with a bounded line behind them, so that a
 * flood of sign-ins starves nothing else (PERFORMANCE.md, Login).
 */
export class Passwords {
  private readonly bulkhead: Bulkhead;
  private readonly dummies = new Map<number, string>();

  constructor(
    readonly cost: number,
    concurrency: number,
    queueLength: number,
  ) {
    this.bulkhead = new Bulkhead(concurrency, queueLength);
  }

  /**
   * @param cost bcrypt's cost; by default today's
   * @throws Refusal busy
   */
  hash(secret: string, cost = this.cost): Promise<string> {
    return this.bulkhead.run(() => bcrypt.hash(secret, cost));
  }

  /**
   * Whether the password fits the hash. Takes as long whatever the answer and whatever the hash: no hash, a
   * hash of a lower cost and a password that bcrypt cannot take are all made up for with dummy comparisons.
   * @throws Refusal busy
   */
  check(password: string, hash: string | null): Promise<boolean> {
    return this.bulkhead.run(async () => {
      const possible = hash !== null && isHashable(password);
      const fits = await bcrypt.compare(
        possible ? password : 'dummy',
        possible ? hash : this.dummy(this.cost),
      );
      // 2^c + (2^c + 2^(c+1) + … + 2^(cost−1)) = 2^cost: an old, cheaper hash takes as long as today's.
      for (let cost = possible ? bcrypt.getRounds(hash) : this.cost; cost < this.cost; cost++) {
        await bcrypt.compare('dummy', this.dummy(cost));
      }
      return possible && fits;
    });
  }

  /** Compares a short code with several hashes; the first that fits is named. @throws Refusal busy */
  async findFitting<T extends { codeHash: string }>(code: string, among: readonly T[]): Promise<T | null> {
    let found: T | null = null;
    for (const candidate of among) {
      if (await this.bulkhead.run(() => bcrypt.compare(code, candidate.codeHash))) found ??= candidate;
    }
    return found;
  }

  /** Whether a hash was made at another cost than today's and is worth making anew. */
  isOutdated(hash: string): boolean {
    return bcrypt.getRounds(hash) !== this.cost;
  }

  /** How many hashes are being computed and how many wait, for the metrics. */
  get load(): { running: number; waiting: number } {
    return this.bulkhead.load;
  }

  private dummy(cost: number): string {
    const known = this.dummies.get(cost) ?? bcrypt.genSaltSync(cost) + 'A'.repeat(31);
    this.dummies.set(cost, known);
    return known;
  }
}

/** Whether bcrypt sees the whole of a password: at most 72 bytes, no NUL, no half surrogate pair. */
export function isHashable(password: string): boolean {
  return (
    password !== '' &&
    Buffer.byteLength(password) <= MAX_PASSWORD_BYTES &&
    !password.includes('\0') &&
    isWellFormed(password)
  );
}

/** Whether a text is valid Unicode: no surrogate without its other half. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
