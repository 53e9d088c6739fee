import type { Parameter } from '../../json-api/query-string.js';
import type { SentKind } from '../../otp/otp.service.js';
import { Refusal, type Problem } from '../../refusal.js';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

/** A list query: ids as they were written. */
export interface ListQuery {
  readonly limit: number;
  readonly after: string | undefined;
  readonly before: string | undefined;
}

/**
 * The query of a list (DECISIONS.md, Lendix); parameters that say nothing here are passed over.
 * @throws Refusal invalid_parameter at `limit`
 */
export function readListQuery(parameters: readonly Parameter[]): ListQuery {
  const valueOf = (wanted: string) => parameters.find(({ name }) => name === wanted)?.value;
  const limit = valueOf('limit');
  if (limit !== undefined && !/^0*[1-9]\d{0,8}$/.test(limit)) {
    throw new Refusal('invalid_parameter', { parameter: 'limit' });
  }
  return {
    limit: limit === undefined ? DEFAULT_LIMIT : Math.min(Number(limit), MAX_LIMIT),
    after: valueOf('after'),
    before: valueOf('before'),
  };
}

/**
 * The body of `POST /sessions`; members beside `email` and `password` say nothing (CONTRACTS.md 4.1).
 * @throws Refusal blank or invalid at each of the two that is wrong; invalid_document for what is no object
 */
export function readSignIn(body: unknown): { email: string; password: string } {
  const { email, password } = membersOf(body);
  const problems = [...textProblems('email', email), ...textProblems('password', password)];
  refuse(problems);
  return { email: email as string, password: password as string };
}

/** What `POST /sessions/:id` asks for: that a code be sent, or that the one received be looked at. */
export type Securing =
  { readonly step: 'send'; readonly strategy: SentKind } | { readonly step: 'prove'; readonly code: string };

/**
 * The body of `POST /sessions/:id`: either `secured: true`, with a `codeOrigin`, or `code`.
 * @throws Refusal blank at `code` without either; invalid at `code` and `secured` for both; invalid at what has a
 *   value that it cannot have; invalid_document for what is no object
 */
export function readSecuring(body: unknown): Securing {
  const { code = null, secured = null, codeOrigin = null } = membersOf(body);
  const strategy = codeOrigin === null || codeOrigin === 'sms' ? 'sms_code' : 'email_code';
  const problems: Problem[] = [];
  if (code === null && secured === null) problems.push({ reason: 'blank', attribute: 'code' });
  if (code !== null) problems.push(...textProblems('code', code));
  if (secured !== null && (secured !== true || code !== null)) {
    problems.push({ reason: 'invalid', attribute: 'secured' });
  }
  if (strategy === 'email_code' && codeOrigin !== 'email') {
    problems.push({ reason: 'invalid', attribute: 'codeOrigin' });
  }
  refuse(problems);
  return typeof code === 'string' ? { step: 'prove', code } : { step: 'send', strategy };
}

function membersOf(body: unknown): Readonly<Record<string, unknown>> {
  if (body === undefined) return {};
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { ...body };
  throw new Refusal('invalid_document');
}

function textProblems(attribute: string, value: unknown): Problem[] {
  if (value === undefined || value === null || value === '') return [{ reason: 'blank', attribute }];
  return typeof value === 'string' ? [] : [{ reason: 'invalid', attribute }];
}

function refuse([first, ...others]: readonly Problem[]): void {
  if (first !== undefined) throw Refusal.of([first, ...others]);
}
