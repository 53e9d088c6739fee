import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';

/** One key of the environment: its sentence (README's table is made from these), its default and how it is read. */
interface Key<T> {
  readonly sentence: string;
  /** As README shows it; empty when there is none. */
  readonly shownDefault: string;
  /** Throws an Error whose message completes "KEY …". `undefined` and `''` mean "not set". */
  readonly read: (raw: string | undefined, environment: Environment) => T;
}
type Environment = Readonly<Record<string, string | undefined>>;

/** The other APIs that are served from the same core. */
export const FACES = ['lendix', 'clerk', 'portos', 'zitadel'] as const;
export type Face = (typeof FACES)[number];

const inTests = (environment: Environment) => environment.NODE_ENV === 'test';

/** Every key that Latchkey reads. This file is the only place that reads the environment. */
export const KEYS = {
  HOST: text('Address to listen on.', '0.0.0.0'),
  PORT: whole('Port to listen on; 0 picks a free one.', 3000, 0, 65_535),
  PUBLIC_URL: optional('Base of every link that Latchkey gives out.', 'http://localhost:PORT', webAddress),
  DATA_DIR: text('Directory of the embedded database and of generated secrets.', './data', (path) =>
    resolve(path),
  ),
  DATABASE_URL: optional(
    'PostgreSQL to use, `postgres://user:password@host:port/name`. Without it an embedded server is started.',
    'embedded',
    databaseAddress,
  ),
  DATABASE_REPLICA_URL: optional(
    'Streaming replica of that PostgreSQL, for lists only; they go to the primary while it is behind or away.',
    'none',
    databaseAddress,
  ),
  DATABASE_POOL_SIZE: whole('Connections to PostgreSQL at most, for each process.', 10, 2, 500),
  DATABASE_STATEMENTS: {
    sentence:
      'How statements are prepared: `named`, or `unnamed` behind a pooler that does not know names (PgBouncer in transaction mode).',
    shownDefault: 'named',
    read: (raw) => oneOf(raw ?? 'named', ['named', 'unnamed']),
  } satisfies Key<'named' | 'unnamed'>,
  WEB_CONCURRENCY: whole('Processes that serve requests.', 1, 1, 128),
  SECRET_KEY: optional(
    'Seals one-time-password secrets and signing keys: 64 hex digits. Required with DATABASE_URL.',
    'generated into DATA_DIR',
    secretKey,
  ),
  ADMIN_EMAIL: optional(
    'Address of the first administrator, created when there are no users.',
    'admin@example.com',
    String,
  ),
  ADMIN_PASSWORD: optional("The first administrator's password.", 'generated and printed once', String),
  SESSION_DAYS: whole('Days without activity after which a browser session expires.', 14, 1, 365),
  PORTOS_SESSION_HOURS: whole(
    'Hours that a session opened through PORTOS lives, and lives on when it is refreshed.',
    12,
    1,
    8_760,
  ),
  RETENTION_DAYS: whole(
    'Days after which sessions that are over are removed, with their addresses and devices.',
    30,
    1,
    36_500,
  ),
  // Three at least: so long a webhook is tried again.
  EVENT_RETENTION_DAYS: whole('Days after which events of the audit log are removed.', 365, 3, 36_500),
  OTP_WINDOW_SECONDS: whole(
    'Seconds after sign-in in which a one-time password is accepted.',
    300,
    10,
    3_600,
  ),
  OTP_ISSUER: text('The name that authenticator apps show.', 'Latchkey'),
  BCRYPT_COST: {
    sentence: 'Cost of a password hash, 10 to 15.',
    shownDefault: '12',
    read: (raw, environment) => wholeNumber(raw, 12, inTests(environment) ? 4 : 10, 15),
  } satisfies Key<number>,
  PASSWORD_CONCURRENCY: {
    sentence: 'Password hashes that one process computes at once.',
    shownDefault: 'processor cores − 1, shared out among the processes',
    read: (raw, environment) => {
      const processes = Number(environment.WEB_CONCURRENCY) || 1;
      const share = Math.floor((availableParallelism() - 1) / processes);
      return wholeNumber(raw, Math.max(1, share), 1, 64);
    },
  } satisfies Key<number>,
  PASSWORD_QUEUE: whole('Password hashes that may wait; beyond them 503 with Retry-After.', 64, 1, 10_000),
  TRUST_PROXY: {
    sentence:
      'Proxies whose X-Forwarded-For counts: addresses, subnets, `loopback`, `linklocal`, `uniquelocal`, with commas.',
    shownDefault: 'none',
    read: (raw) => commaList(raw).map(proxyAddress),
  } satisfies Key<string[]>,
  ALLOWED_ORIGINS: {
    sentence: 'Origins whose browser pages may call the API, with commas.',
    shownDefault: 'none',
    read: (raw) => commaList(raw).map(origin),
  } satisfies Key<string[]>,
  GEOIP_DB: optional('Path of a MaxMind .mmdb file that turns addresses into places.', 'none', String),
  FACES: {
    sentence: 'Which other APIs are served beside the native one, with commas; `none` for none.',
    shownDefault: FACES.join(','),
    read: (raw) => (raw === 'none' ? [] : raw === undefined ? [...FACES] : commaList(raw).map(face)),
  } satisfies Key<Face[]>,
  INTERCOM_SECRET: optional("Secret under which Lendix's `intercomHash` is made.", 'none', String),
  SMS_WEBHOOK_URL: optional(
    'Where SMS are handed over: a POST of JSON `{to, text}`.',
    'none',
    webAddressWithQuery,
  ),
  TWILIO_ACCOUNT_SID: optional('Account of Twilio, which sends SMS instead of a webhook.', 'none', String),
  TWILIO_AUTH_TOKEN: optional('Its token.', 'none', String),
  TWILIO_FROM: optional('Number or messaging service that Twilio sends from.', 'none', String),
  CONSOLE_CODES: {
    sentence: 'Whether codes that no channel can carry are printed on the console.',
    shownDefault: 'true, false when NODE_ENV is production',
    read: (raw, environment) => (raw === undefined ? environment.NODE_ENV !== 'production' : yesOrNo(raw)),
  } satisfies Key<boolean>,
  SMTP_URL: optional(
    'Where mail (codes and security notices) is sent through, `smtp://user:password@host:port`.',
    'none',
    mailAddress,
  ),
  MAIL_FROM: text('Sender of mail.', 'Latchkey <latchkey@localhost>'),
  WEBHOOK_URL: optional('Where every event of the audit log is posted, signed.', 'none', webAddressWithQuery),
  WEBHOOK_SECRET: optional(
    'Key of that signature: `whsec_` and base64 of 24 to 64 bytes. Required with WEBHOOK_URL.',
    'none',
    webhookSecret,
  ),
  QA_MODE: {
    sentence: 'Whether /qa moves the clock, shows codes and makes users, for tests; refused in production.',
    shownDefault: 'false',
    read: (raw, environment) => {
      const wanted = raw !== undefined && yesOrNo(raw);
      if (wanted && environment.NODE_ENV === 'production')
        throw new Error('is refused when NODE_ENV is production');
      return wanted;
    },
  } satisfies Key<boolean>,
  DOCS: {
    sentence: 'Whether /docs and /openapi.json are served.',
    shownDefault: 'true, false when NODE_ENV is production',
    read: (raw, environment) => (raw === undefined ? environment.NODE_ENV !== 'production' : yesOrNo(raw)),
  } satisfies Key<boolean>,
  LOG_LEVEL: {
    sentence: 'One of fatal, error, warn, info, debug, silent.',
    shownDefault: 'info',
    read: (raw) => oneOf(raw ?? 'info', ['fatal', 'error', 'warn', 'info', 'debug', 'silent']),
  } satisfies Key<string>,
};

type Values = { readonly [K in keyof typeof KEYS]: ReturnType<(typeof KEYS)[K]['read']> };

/** The configuration, read and checked. */
export class Config {
  readonly values: Values;

  /** @throws ConfigError that lists everything wrong with the environment, not only the first thing. */
  constructor(environment: Environment = process.env) {
    const values: Record<string, unknown> = {};
    const wrong: string[] = [];
    for (const [name, key] of Object.entries(KEYS)) {
      const raw = environment[name] === '' ? undefined : environment[name];
      try {
        values[name] = key.read(raw, environment);
      } catch (error) {
        wrong.push(`${name} ${(error as Error).message}`);
      }
    }
    if (values.DATABASE_URL && !environment.SECRET_KEY) {
      wrong.push('SECRET_KEY is required with DATABASE_URL: set it to the output of `openssl rand -hex 32`');
    }
    if (environment.TWILIO_ACCOUNT_SID && !(environment.TWILIO_AUTH_TOKEN && environment.TWILIO_FROM)) {
      wrong.push('TWILIO_AUTH_TOKEN and TWILIO_FROM are required with TWILIO_ACCOUNT_SID');
    }
    if (environment.TWILIO_ACCOUNT_SID && environment.SMS_WEBHOOK_URL) {
      wrong.push('SMS_WEBHOOK_URL and TWILIO_ACCOUNT_SID are two ways for SMS: set one of them');
    }
    if (environment.WEBHOOK_URL && !environment.WEBHOOK_SECRET) {
      wrong.push(
        'WEBHOOK_SECRET is required with WEBHOOK_URL: set it to `whsec_` and the output of `openssl rand -base64 32`',
      );
    }
    if (environment.DATABASE_REPLICA_URL && !environment.DATABASE_URL) {
      wrong.push('DATABASE_REPLICA_URL needs DATABASE_URL: the embedded database has no replica');
    }
    if (values.QA_MODE && Number(values.WEB_CONCURRENCY) > 1) {
      wrong.push('QA_MODE needs WEB_CONCURRENCY 1: each process has a clock of its own');
    }
    if (wrong.length > 0) throw new ConfigError(wrong);
    this.values = values as Values;
  }

  get<K extends keyof Values>(name: K): Values[K] {
    return this.values[name];
  }
}

/** Everything that is wrong with the environment, a sentence each; never repeats a value. */
export class ConfigError extends Error {
  constructor(readonly wrong: readonly string[]) {
    super(`Latchkey cannot start:\n${wrong.map((line) => `  - ${line}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

function text(sentence: string, shownDefault: string, refine: (raw: string) => string = String): Key<string> {
  return { sentence, shownDefault, read: (raw) => refine(raw ?? shownDefault) };
}

function optional<T>(sentence: string, shownDefault: string, refine: (raw: string) => T): Key<T | undefined> {
  return { sentence, shownDefault, read: (raw) => (raw === undefined ? undefined : refine(raw)) };
}

function whole(sentence: string, fallback: number, least: number, most: number): Key<number> {
  return { sentence, shownDefault: String(fallback), read: (raw) => wholeNumber(raw, fallback, least, most) };
}

function wholeNumber(raw: string | undefined, fallback: number, least: number, most: number): number {
  const value = raw === undefined ? fallback : /^\d{1,9}$/.test(raw) ? Number(raw) : NaN;
  if (!(value >= least && value <= most)) throw new Error(`must be a whole number from ${least} to ${most}`);
  return value;
}

function yesOrNo(raw: string): boolean {
  if (raw !== 'true' && raw !== 'false') throw new Error('must be true or false');
  return raw === 'true';
}

function oneOf<T extends string>(raw: string, known: readonly T[]): T {
  const found = known.find((one) => one === raw);
  if (found === undefined) throw new Error(`must be one of ${known.join(', ')}`);
  return found;
}

function commaList(raw: string | undefined): string[] {
  return (raw ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function address(raw: string, protocols: readonly string[], example: string): URL {
  const url = URL.canParse(raw) ? new URL(raw) : null;
  if (url === null || !protocols.includes(url.protocol)) throw new Error(`must look like ${example}`);
  return url;
}

function webAddress(raw: string): string {
  const url = address(raw, ['http:', 'https:'], 'https://latchkey.example.com');
  if (url.search || url.hash || url.username) throw new Error('must have no query, fragment or user');
  return url.href.replace(/\/+$/, '');
}

function webAddressWithQuery(raw: string): string {
  return address(raw, ['http:', 'https:'], 'https://sms.example.com/send').href;
}

function face(raw: string): Face {
  return oneOf(raw, FACES);
}

function databaseAddress(raw: string): string {
  address(raw, ['postgres:', 'postgresql:'], 'postgres://user:password@host:5432/name');
  return raw;
}

function mailAddress(raw: string): string {
  address(raw, ['smtp:', 'smtps:'], 'smtp://user:password@host:587');
  return raw;
}

function origin(raw: string): string {
  const url = address(raw, ['http:', 'https:'], 'https://app.example.com');
  if (url.origin !== raw) throw new Error('must be origins, such as https://app.example.com, without a path');
  return raw;
}

function proxyAddress(raw: string): string {
  if (!/^(loopback|linklocal|uniquelocal|[0-9a-fA-F:.]+(\/\d{1,3})?)$/.test(raw)) {
    throw new Error('must be addresses, subnets, loopback, linklocal or uniquelocal');
  }
  return raw;
}

function webhookSecret(raw: string): string {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(raw)?.[1];
  const bytes = encoded === undefined ? 0 : Buffer.from(encoded, 'base64').length;
  if (bytes < 24 || bytes > 64) throw new Error('must be `whsec_` and base64 of 24 to 64 bytes');
  return raw;
}

function secretKey(raw: string): Buffer {
  if (!/^[0-9a-fA-F]{64}$/.test(raw))
    throw new Error('must be 64 hex digits: the output of `openssl rand -hex 32`');
  return Buffer.from(raw, 'hex');
}
