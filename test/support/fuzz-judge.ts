import type { SchemaCheck } from '../openapi/described.js';
import { documentProblems } from './json-api-document.js';
import type { RawAnswer } from './raw-client.js';

/** The answers of a route, as `/openapi.json` has them. */
export interface DescribedAnswers {
  readonly responses: Record<string, { readonly content?: Record<string, { readonly schema: object }> }>;
}

/** What the address, the method or the form of a request alone can be answered, at every route. */
const OF_ANY_REQUEST = [400, 404, 405, 406, 413, 415];
/** What only speaks of the inside: no refusal has a reason to. */
const INSIDE =
  /node_modules|\bat \S+ \(|SELECT |INSERT |UPDATE |SQLSTATE|QueryFailed|TypeError|\$2[aby]\$|violates/;

/**
 * What is wrong with an answer, whatever was asked: any 5xx, a refusal in other words than those of the API of that
 * path, headers that a status asks for and that are missing, what the inside looks like. Empty when nothing is.
 * @param isHead whether it was asked without its body
 */
export function faultsOf(answer: RawAnswer, path: string, isHead: boolean): string[] {
  const { status, headers } = answer;
  const faults = headerFaults(answer);
  if (status >= 500) faults.push(`answered ${status}`);
  if (status < 400 || isHead) return faults;
  if (INSIDE.test(answer.text)) faults.push('shows the inside');
  if (headers['content-length'] === '0') return [...faults, 'a refusal without words'];
  const api = API_OF_PREFIX.find(([prefix]) => path.toLowerCase().startsWith(prefix))?.[1] ?? 'native';
  return [...faults, ...REFUSALS[api](answer)];
}

/** What is wrong with an answer by what `/openapi.json` says of the route. */
export function describedFaults(
  answer: RawAnswer,
  { responses }: DescribedAnswers,
  check: SchemaCheck,
): string[] {
  const described = responses[answer.status];
  if (described === undefined) {
    return OF_ANY_REQUEST.includes(answer.status) ? [] : [`${answer.status} is described nowhere`];
  }
  const [content] = Object.entries(described.content ?? {});
  if (content === undefined) return answer.text === '' ? [] : ['a body where none is described'];
  const [mediaType, { schema }] = content;
  if (answer.status >= 400 || !mediaType.includes('json')) return [];
  return check
    .problems(schema, answer.body)
    .map(({ instancePath, message }) => `is not as described: ${instancePath} ${message}`);
}

function headerFaults({ status, headers }: RawAnswer): string[] {
  const missing = (name: string) => (headers[name] === undefined ? [`${status} without ${name}`] : []);
  if (status === 401) return missing('www-authenticate');
  if (status === 405) return missing('allow');
  if (status === 429 || status === 503) return missing('retry-after');
  return missing('x-request-id');
}

type FaceOrNative = 'native' | 'lendix' | 'clerk' | 'portos' | 'zitadel';
const API_OF_PREFIX: readonly (readonly [string, FaceOrNative])[] = [
  ['/lendix', 'lendix'],
  ['/clerk', 'clerk'],
  ['/portos', 'portos'],
  ['/zitadel', 'zitadel'],
];

/** How each API words a refusal. */
const REFUSALS: Readonly<Record<FaceOrNative, (answer: RawAnswer) => string[]>> = {
  native({ headers, body }) {
    const type = headers['content-type'];
    const problems = documentProblems(body);
    if (!Array.isArray(body?.errors)) problems.push('no errors document');
    return type === 'application/vnd.api+json' ? problems : [...problems, `content type ${type}`];
  },
  lendix({ headers, body }) {
    const named = typeof body?.errors === 'object' && Object.values(body.errors as object).every(isText);
    return [...json(headers['content-type']), ...unless(isText(body?.error) || named, 'no error of Lendix')];
  },
  clerk({ headers, body }) {
    const errors = (Array.isArray(body?.errors) ? body.errors : []) as Record<string, unknown>[];
    const whole = errors.length > 0 && errors.every((one) => isText(one.code) && isText(one.long_message));
    return [...json(headers['content-type']), ...unless(whole, 'no errors of Clerk')];
  },
  portos({ status, headers, body }) {
    const whole =
      body?.status === status && isText(body.title) && isText(body.detail) && isText(body.traceId);
    const type = headers['content-type'];
    return [
      ...unless(type === 'application/problem+json', `content type ${type}`),
      ...unless(whole, 'no problem'),
    ];
  },
  zitadel({ headers, body }) {
    const whole = Number.isInteger(body?.code) && isText(body.message);
    return [...json(headers['content-type']), ...unless(whole, 'no status of gRPC')];
  },
};

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function unless(holds: boolean, problem: string): string[] {
  return holds ? [] : [problem];
}

function json(type: string | undefined): string[] {
  return unless(/^application\/json(; charset=utf-8)?$/.test(type ?? ''), `content type ${type}`);
}
