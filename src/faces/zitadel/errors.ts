import type { Response } from 'express';
import { setRefusalHeaders } from '../../http/refusal-headers.js';
import { sendDocument } from '../../json-api/send.js';
import type { Problem, Reason, Refusal } from '../../refusal.js';

/** How ZITADEL says one reason: gRPC's code, the text, and the id that its clients know. */
export interface Words {
  readonly code: keyof typeof STATUSES;
  readonly text: string;
  readonly id?: string;
  /** Where HTTP has a status of its own for it. */
  readonly status?: number;
  /** The type of the detail, where it is not `ErrorDetail`. */
  readonly detail?: 'CredentialsCheckError';
  /** Seconds to wait, unless the refusal names them. */
  readonly retryAfterSeconds?: number;
}

/** gRPC's codes as grpc-gateway answers them in HTTP. */
const STATUSES = {
  3: 400,
  5: 404,
  6: 409,
  7: 403,
  8: 429,
  9: 400,
  10: 409,
  12: 501,
  13: 500,
  14: 503,
  16: 401,
} as const;

const invalid = (text: string, id?: string): Words => ({ code: 3, text, ...(id && { id }) });
const notFound = (text: string, id?: string): Words => ({ code: 5, text, ...(id && { id }) });
const denied = (text: string, id?: string): Words => ({ code: 7, text, ...(id && { id }) });
const failed = (text: string, id?: string): Words => ({ code: 9, text, ...(id && { id }) });
const exhausted = (text: string): Words => ({ code: 8, text });
const unavailable = (text: string, retryAfterSeconds: number): Words => ({
  code: 14,
  text,
  retryAfterSeconds,
});

const INVALID_VALUE = invalid('invalid value');
const OVER = failed('Session already terminated', 'COMMAND-Hewfq');
const EXPIRED = failed('Session has expired', 'COMMAND-Hkl3d');

/** ZITADEL's words for every reason (CONTRACTS.md, 3.3). */
export const WORDS = {
  unauthenticated: { code: 16, text: 'Token is invalid', id: 'AUTH-7fs1e' },
  credentials_conflict: invalid('Two different tokens were sent'),
  otp_required: denied('The session of this token still owes its second factor'),
  otp_window_passed: EXPIRED,
  read_only_session: denied('A read-only token changes nothing'),
  not_interactive: denied('A machine token cannot do this'),
  forbidden: denied('No matching permissions found'),
  last_administrator: failed('The last administrator cannot be taken away'),
  user_closed: failed('Errors.User.NotActive', 'SESSION-Gj4ko'),
  step_up_required: denied('Prove yourself once more: check a factor of your own session'),
  origin_not_allowed: denied('This origin is not allowed'),

  not_found: notFound('Session does not exist', 'QUERY-SFeaa'),
  conflict: { code: 10, text: 'The session or its user changed meanwhile' },
  two_factor_already_on: { code: 6, text: 'Two-factor authentication is already on' },
  enrollment_expired: failed('The enrollment has expired'),
  session_over: OVER,
  session_expired: EXPIRED,
  verification_over: failed('The challenge is over'),
  verification_missing: failed('Code not found', 'COMMAND-SF3tv'),
  verification_out_of_order: failed('User ID missing', 'COMMAND-Sfw3r'),
  code_not_sent: failed('Code not found', 'COMMAND-SF3tv'),
  strategy_unavailable: failed("Multifactor OTP (OneTimePassword) isn't ready", 'COMMAND-BJ2g3'),
  organization_unknown: notFound('Organisation does not exist'),

  blank: INVALID_VALUE,
  invalid: INVALID_VALUE,
  too_long: INVALID_VALUE,
  too_short: INVALID_VALUE,
  too_common: INVALID_VALUE,
  taken: { code: 6, text: 'It is taken already' },
  not_settable: INVALID_VALUE,
  wrong_code: invalid('Invalid code', 'EVENT-8isk2'),
  wrong_password: { ...invalid('Password is invalid', 'COMMAND-3M0fs'), detail: 'CredentialsCheckError' },

  too_many_sign_ins: exhausted('Too many failed sign-ins: try again later'),
  too_many_codes: exhausted('Too many codes: try again later'),
  too_many_codes_sent: exhausted('A code was sent just now, or too many were: try again later'),
  channel_unavailable: unavailable('Codes cannot be sent this way at this moment', 60),
  busy: unavailable('Too much is asked at this moment: try again soon', 2),
  unavailable: unavailable('The service is not available at this moment: try again soon', 5),

  bad_request: invalid('The request cannot be understood'),
  unsupported_parameter: invalid('This parameter is not supported'),
  unsupported_filter: invalid('List.Query.Invalid', 'GRPC-Sfefs'),
  unsupported_sort: invalid('List.Query.Invalid'),
  unsupported_include: invalid('List.Query.Invalid'),
  unsupported_field: invalid('List.Query.Invalid'),
  invalid_parameter: invalid('List.Query.Invalid'),
  secret_in_query: invalid('Secrets are sent in the body or a header, never in the query'),
  page_too_large: invalid('Limit exceeded', 'QUERY-4M0fs'),
  too_broad: invalid('The queries or the order look at too many sessions: narrow them'),
  unsupported_cursor_sort: invalid('List.Query.Invalid'),
  range_pagination: invalid('List.Query.Invalid'),
  invalid_document: INVALID_VALUE,
  type_mismatch: INVALID_VALUE,
  id_mismatch: INVALID_VALUE,
  client_generated_id: INVALID_VALUE,
  route_unknown: notFound('Not Found'),
  method_not_allowed: { code: 12, text: 'Method Not Allowed', status: 405 },
  not_acceptable: { ...invalid('Accept application/json'), status: 406 },
  payload_too_large: { code: 8, text: 'The body is too large', status: 413 },
  headers_too_large: { code: 8, text: 'The headers are too large', status: 431 },
  unsupported_media_type: { ...invalid('Send application/json'), status: 415 },
  internal: { code: 13, text: 'Something went wrong on our side' },
} satisfies Record<Reason, Words>;

/** What a reason is called at one place, or with one method: an unknown session has three names (CONTRACTS.md, 7.14). */
const WORDS_AT: Readonly<Record<string, Words>> = {
  'not_found PATCH': failed('Session does not exist', 'COMMAND-Flk38'),
  'not_found user': notFound('User could not be found'),
  'conflict user': invalid('user change not possible'),
  'forbidden session_token GET': denied('Errors.PermissionDenied', 'QUERY-dsfr3'),
  'forbidden session_token': denied('Session Token is invalid', 'COMMAND-sGr42'),
  'code_not_sent email_code': failed('Code not found', 'COMMAND-zF3g3'),
  'wrong_code recovery_code': invalid('Invalid recovery code provided', 'DOMAIN-6uvh0'),
  'invalid lifetime': invalid('Session lifetime must not be less than 0', 'COMMAND-asEG4'),
  'invalid_parameter creatorQuery': invalid('List.Query.Invalid', 'GRPC-x8n24uh'),
  'invalid_parameter userAgentQuery': invalid('List.Query.Invalid', 'GRPC-x8n23uh'),
  'invalid_parameter method': invalid('List.Query.Invalid', 'GRPC-Dwigt'),
  'strategy_unavailable webAuthN': failed('Session without WebAuthN challenge', 'COMMAND-Ioqu5'),
  'strategy_unavailable idpIntent': failed('There are no identity providers'),
};

/** A refusal as it is sent. @param method of the request, where its words depend on it */
export function statusOf(refusal: Refusal, method = ''): { status: number; body: { message: string } } {
  const [problem] = refusal.problems;
  const words = wordsFor(problem, method);
  const { code, id, detail: type = 'ErrorDetail' } = words;
  const text =
    problem.detail ?? (words === INVALID_VALUE ? `${words.text}: ${placeOf(problem)}` : words.text);
  const details = [{ '@type': `type.googleapis.com/zitadel.v1.${type}`, id, message: text }];
  const body = { code, message: id === undefined ? text : `${text} (${id})`, ...(id && { details }) };
  return { status: words.status ?? STATUSES[code], body };
}

/** Answers a refusal as grpc-gateway writes it. */
export function writeStatus(response: Response, refusal: Refusal): void {
  const { headers, method } = response.req;
  const { status, body } = statusOf(refusal, method);
  const missing = headers.authorization === undefined && headers['x-auth-token'] === undefined;
  const said = status === 401 && missing ? { code: 16, message: 'auth header missing' } : body;
  const challenge = `Bearer realm="latchkey", error_description="${said.message}"`;
  setRefusalHeaders(response, status, refusal, wordsFor(refusal.problems[0], method), challenge);
  sendDocument(response, status, JSON.stringify(said), 'application/json');
}

function wordsFor(problem: Problem, method: string): Words {
  const place = placeOf(problem);
  const names = [`${problem.reason} ${place} ${method}`, `${problem.reason} ${place}`];
  if (place === '') names.unshift(`${problem.reason} ${method}`);
  const known = names.find((name) => Object.hasOwn(WORDS_AT, name));
  return known === undefined ? WORDS[problem.reason] : WORDS_AT[known]!;
}

function placeOf({ attribute, member, parameter, header }: Problem): string {
  return attribute ?? member ?? parameter ?? header ?? '';
}
