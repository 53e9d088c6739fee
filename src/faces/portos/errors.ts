import type { Response } from 'express';
import { STATUS_CODES } from 'node:http';
import { setRefusalHeaders } from '../../http/refusal-headers.js';
import type { Problem, Reason, Refusal } from '../../refusal.js';

/** The documented error codes; a status that is none of these has no code (CONTRACTS.md §5.6). */
const ERROR_CODES: Readonly<Record<number, number>> = { 401: 1, 403: 2, 400: 3, 423: 5, 409: 6 };
/** The documented codes of a validation. */
const REQUIRED = 1;
const UNIQUE = 2;

/** How this API says one reason. */
interface Words {
  readonly status: number;
  readonly detail: string;
  /** Of the member at fault. */
  readonly code?: number;
  /** Seconds to wait, unless the refusal names them. */
  readonly retryAfterSeconds?: number;
}

const words = (status: number, detail: string): Words => ({ status, detail });
/** What is "not logged in" and what is "wrong credentials" is the same answer. */
const unauthenticated = words(401, 'Not signed in, or the credentials are wrong');
const denied = words(403, 'Not allowed');
const notFound = words(404, 'There is no such resource');
const tooManyCodes = words(429, 'Too many codes: try again later');
const conflict = words(409, 'The request conflicts with the present state of the resource');
const unavailable = (retryAfterSeconds: number): Words => ({
  ...words(503, 'Not available at this moment: try again soon'),
  retryAfterSeconds,
});

/** This API's words for every reason (CONTRACTS.md §5.6). */
export const WORDS = {
  unauthenticated,
  credentials_conflict: words(400, 'Two different tokens were sent'),
  otp_required: words(401, 'A one-time password is needed as well: send it as otp'),
  otp_window_passed: unauthenticated,
  read_only_session: denied,
  not_interactive: denied,
  forbidden: denied,
  last_administrator: conflict,
  user_closed: unauthenticated,
  step_up_required: denied,
  origin_not_allowed: denied,

  not_found: notFound,
  conflict,
  two_factor_already_on: conflict,
  enrollment_expired: conflict,
  session_over: notFound,
  session_expired: notFound,
  verification_over: conflict,
  verification_missing: conflict,
  verification_out_of_order: conflict,
  code_not_sent: conflict,
  strategy_unavailable: words(400, 'is not available'),
  organization_unknown: words(400, 'is unknown'),

  blank: { ...words(400, 'is required'), code: REQUIRED },
  invalid: words(400, 'is invalid'),
  too_long: words(400, 'is too long'),
  too_short: words(400, 'is too short'),
  too_common: words(400, 'is too common'),
  taken: { ...words(400, 'is taken already'), code: UNIQUE },
  not_settable: words(400, 'cannot be set'),
  wrong_code: unauthenticated,
  wrong_password: unauthenticated,

  too_many_sign_ins: words(429, 'Too many failed sign-ins: try again later'),
  too_many_codes: tooManyCodes,
  too_many_codes_sent: tooManyCodes,
  channel_unavailable: unavailable(60),
  busy: unavailable(2),
  unavailable: unavailable(5),

  bad_request: words(400, 'The request cannot be understood'),
  unsupported_parameter: words(400, 'is no parameter of this method'),
  unsupported_filter: words(400, 'cannot be filtered by that operation'),
  unsupported_sort: words(400, 'cannot be sorted by that'),
  unsupported_include: words(400, 'cannot be included'),
  unsupported_field: words(400, 'does not exist'),
  invalid_parameter: words(400, 'is invalid'),
  secret_in_query: words(400, 'is never sent in a query'),
  page_too_large: words(400, 'is too large'),
  too_broad: words(400, 'The filter or the order looks at too many sessions: narrow it'),
  unsupported_cursor_sort: words(400, 'cannot be sorted by that'),
  range_pagination: words(400, 'is not supported'),
  invalid_document: words(400, 'The body is no JSON object of this method'),
  type_mismatch: conflict,
  id_mismatch: conflict,
  client_generated_id: denied,
  route_unknown: words(404, 'There is nothing at this address'),
  method_not_allowed: words(405, 'This address does not know this method'),
  not_acceptable: words(406, 'There is no such representation'),
  payload_too_large: words(413, 'The body is too large'),
  headers_too_large: words(431, 'The headers are too large'),
  unsupported_media_type: words(415, 'Send application/json'),
  internal: words(500, 'Something went wrong on our side'),
} satisfies Record<Reason, Words>;

/** Problem details (RFC 9457), as this API documents them. */
interface ProblemDetails {
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The id of the request, which the log has too. */
  readonly traceId?: string;
  readonly errorCode?: number;
  /** What is wrong with which member; of a 400 alone. */
  readonly errors?: readonly { memberName: string; message: string; code?: number }[];
}

/** Answers a refusal with problem details. */
export function writeProblem(response: Response, refusal: Refusal): void {
  const traceId = response.getHeader('X-Request-Id');
  const problem = problemDetails(refusal, traceId === undefined ? undefined : String(traceId));
  const body = Buffer.from(JSON.stringify(problem));
  response.statusCode = problem.status;
  setRefusalHeaders(response, problem.status, refusal, WORDS[refusal.reason]);
  response.setHeader('Content-Type', 'application/problem+json');
  response.setHeader('Content-Length', body.length);
  response.end(body);
}

/** The body of a refusal, as it is sent and as the documentation shows it. */
export function problemDetails({ reason, problems }: Refusal, traceId?: string): ProblemDetails {
  const { status, detail }: Words = WORDS[reason];
  const [first] = problems;
  const errors = status === 400 ? problems.flatMap(memberError) : undefined;
  const errorCode = ERROR_CODES[status];
  return {
    title: STATUS_CODES[status] ?? '',
    status,
    // Of a 401 no more is told than the table has: not which of the credentials was wrong.
    detail: errors?.length ? 'The request is not valid' : status === 401 ? detail : (first.detail ?? detail),
    ...(traceId === undefined ? {} : { traceId }),
    ...(errorCode === undefined ? {} : { errorCode }),
    ...(errors === undefined ? {} : { errors }),
  };
}

function memberError({ reason, attribute, member, parameter, header, detail }: Problem) {
  const memberName = attribute ?? member ?? parameter ?? header;
  if (memberName === undefined) return [];
  const words: Words = WORDS[reason];
  const { code } = words;
  return [{ memberName, message: detail ?? words.detail, ...(code === undefined ? {} : { code }) }];
}
