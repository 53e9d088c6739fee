import { HttpException } from '@nestjs/common';
import { Refusal, type Reason } from '../refusal.js';

/** Seconds after which a client may ask again when the database was away; it is back within five. */
const RETRY_AFTER_SECONDS = 2;

/**
 * What an error says to a client: a Refusal as it is, what Nest, Express and the body parser throw in our own
 * reasons, an absent or failing PostgreSQL as `unavailable`. Null stands for a bug.
 */
export function asRefusal(error: unknown): Refusal | null {
  for (const cause of causes(error)) {
    if (cause instanceof Refusal) return cause;
    if (isDatabaseAway(cause)) return new Refusal('unavailable', { retryAfterSeconds: RETRY_AFTER_SECONDS });
    const reason = reasonOfBodyParser(cause) ?? reasonOfPath(cause) ?? reasonOfFramework(cause);
    if (reason !== null) return new Refusal(reason);
  }
  return null;
}

/** An error for the log: never a query's parameters, never PostgreSQL's `detail`, never text that was parsed. */
export function describeError(error: unknown): { type: string; message: string; stack?: string } {
  if (!(error instanceof Error))
    return { type: typeof error, message: 'something that is no Error was thrown' };
  const frames = error.stack?.split('\n').filter((line) => /^\s+at /.test(line));
  return {
    type: error.constructor.name,
    message: harmlessMessage(error),
    ...(frames && { stack: frames.join('\n') }),
  };
}

/** The error, then what it wraps: Nest's `cause`, TypeORM's `driverError`, the members of an AggregateError. */
function causes(error: unknown): unknown[] {
  const found: unknown[] = [];
  const open = [error];
  while (open.length > 0 && found.length < 10) {
    const next = open.shift();
    if (typeof next !== 'object' || next === null) continue;
    found.push(next);
    const { cause, driverError, errors } = next as {
      cause?: unknown;
      driverError?: unknown;
      errors?: unknown;
    };
    open.push(cause, driverError, ...(Array.isArray(errors) ? (errors as unknown[]) : []));
  }
  // An HttpException only says what its cause says more exactly.
  return found.sort(
    (left, right) => Number(left instanceof HttpException) - Number(right instanceof HttpException),
  );
}

const SYSTEM_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EMFILE',
  'ENFILE',
]);
/**
 * SQLSTATEs: 08 connection, 53 resources, 58 system errors, 57P0x shut down or starting, 57014 cancelled by a
 * timeout, 55P03 lock not available, 25006 read-only, 40001 and 40P01 serialisation failure and deadlock.
 */
const SQLSTATES = /^(08...|53...|58...|57P0\d|57014|55P03|25006|40001|40P01)$/;
/** What pg, its pool and TypeORM say, without a code, when the connection is gone or does not come. */
const MESSAGES =
  /^(Connection terminated|timeout (expired|exceeded when trying to connect)|Query read timeout|Driver not Connected|Cannot use a pool after calling end|Client (was closed|has encountered a connection error) and is not queryable)/i;
/** `QueryRunner…AlreadyReleasedError`: TypeORM releases a runner itself when its connection dies under it. */
const NAMES = new Set([
  'CannotExecuteNotConnectedError',
  'ConnectionIsNotSetError',
  'QueryRunnerAlreadyReleasedError',
  'QueryRunnerProviderAlreadyReleasedError',
]);

function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  return (
    (typeof code === 'string' && (SQLSTATES.test(code) || (SYSTEM_CODES.has(code) && !isHttpError(error)))) ||
    MESSAGES.test(error.message) ||
    NAMES.has(error.name)
  );
}

/** What the `http-errors` of Express and its body parser have in common. */
function isHttpError(error: unknown): error is Error & { status: number; type?: string } {
  return error instanceof Error && typeof (error as { expose?: unknown }).expose === 'boolean';
}

function reasonOfBodyParser(error: unknown): Reason | null {
  if (!isHttpError(error) || error.type === undefined) return null;
  if (error.type === 'entity.too.large') return 'payload_too_large';
  if (error.type === 'encoding.unsupported' || error.type === 'charset.unsupported')
    return 'unsupported_media_type';
  return error.status < 500 ? 'bad_request' : null;
}

/** Express marks broken percent-encoding of its own paths with a status; any other URIError is a bug. */
function reasonOfPath(error: unknown): Reason | null {
  return error instanceof URIError && (error as { status?: number }).status === 400 ? 'bad_request' : null;
}

const REASON_OF_STATUS: Readonly<Record<number, Reason>> = {
  400: 'bad_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'route_unknown',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  503: 'unavailable',
};

function reasonOfFramework(error: unknown): Reason | null {
  return error instanceof HttpException ? (REASON_OF_STATUS[error.getStatus()] ?? null) : null;
}

function harmlessMessage(error: Error): string {
  const { code, driverError, table, constraint } = error as {
    code?: unknown;
    driverError?: { code?: unknown; table?: unknown; constraint?: unknown };
    table?: unknown;
    constraint?: unknown;
  };
  const sqlState = driverError?.code ?? code;
  if (typeof sqlState === 'string' && /^[0-9A-Z]{5}$/.test(sqlState) && /\d/.test(sqlState)) {
    if (sqlState.startsWith('42')) return `SQLSTATE ${sqlState}: ${error.message}`; // wrong SQL: only names in it
    // Others quote values: "invalid input syntax for type bigint: …".
    const where = [driverError?.table ?? table, driverError?.constraint ?? constraint].filter(Boolean);
    return [`SQLSTATE ${sqlState}`, ...where].join(', ');
  }
  if (error instanceof SyntaxError) return 'text that could not be parsed'; // JSON.parse quotes the text
  return error.message;
}
