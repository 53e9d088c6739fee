import type { Response } from 'express';
import { setRefusalHeaders } from '../../http/refusal-headers.js';
import type { Problem, Reason, Refusal } from '../../refusal.js';

/** How Lendix says one reason. */
interface Words {
  readonly status: number;
  readonly sentence: string;
  /** The field that is at fault, where the refusal names none that Lendix knows. */
  readonly field?: string;
  /** Seconds to wait, unless the refusal names them. */
  readonly retryAfterSeconds?: number;
}

const unauthenticated: Words = { status: 401, sentence: 'You are not signed in.' };
const forbidden: Words = { status: 403, sentence: 'You may not do this.' };
const notFound: Words = { status: 404, sentence: 'There is no such session.' };
const conflict: Words = { status: 409, sentence: 'This conflicts with the present state.' };
const wrong = (sentence: string): Words => ({ status: 400, sentence });
const ofCode = (sentence: string): Words => ({ status: 400, sentence, field: 'code' });

/** Lendix's words for every reason (DECISIONS.md, Lendix: the document shows no error). */
const WORDS = {
  unauthenticated,
  credentials_conflict: wrong('Two different credentials were sent.'),
  otp_required: { status: 403, sentence: 'This session is not activated: send the code of your app first.' },
  otp_window_passed: { status: 403, sentence: 'The time for the code has passed: sign in again.' },
  read_only_session: { status: 403, sentence: 'This session may read only.' },
  not_interactive: { status: 403, sentence: 'A session that someone signed in to is needed.' },
  forbidden,
  last_administrator: conflict,
  user_closed: { status: 403, sentence: 'This account is closed.' },
  step_up_required: { status: 403, sentence: 'The session has to be secured first.' },
  origin_not_allowed: forbidden,

  not_found: notFound,
  conflict,
  two_factor_already_on: conflict,
  enrollment_expired: conflict,
  session_over: notFound,
  session_expired: notFound,
  verification_over: ofCode('This code is not valid any more: ask for a new one.'),
  verification_missing: ofCode('No code was sent: ask for one first.'),
  verification_out_of_order: ofCode('Another code is expected.'),
  code_not_sent: ofCode('No code was sent: ask for one first.'),
  strategy_unavailable: {
    status: 400,
    sentence: 'Codes cannot be sent to you this way.',
    field: 'codeOrigin',
  },
  organization_unknown: wrong('There is no such business.'),

  blank: wrong('This field is required.'),
  invalid: wrong('This value is invalid.'),
  too_long: wrong('This value is too long.'),
  too_short: wrong('This value is too short.'),
  too_common: wrong('This value is too common.'),
  taken: wrong('This value is taken.'),
  not_settable: wrong('This field cannot be set.'),
  wrong_code: ofCode('This code is wrong.'),
  wrong_password: wrong('This password is wrong.'),

  too_many_sign_ins: { status: 429, sentence: 'Too many failed sign-ins: try again later.' },
  too_many_codes: { status: 429, sentence: 'Too many wrong codes: try again later.' },
  too_many_codes_sent: { status: 429, sentence: 'A code was sent already: try again later.' },
  channel_unavailable: {
    status: 503,
    sentence: 'Codes cannot be sent this way at this moment.',
    retryAfterSeconds: 60,
  },
  busy: {
    status: 503,
    sentence: 'Too much is asked at this moment: try again soon.',
    retryAfterSeconds: 2,
  },
  unavailable: {
    status: 503,
    sentence: 'The service is not available: try again soon.',
    retryAfterSeconds: 5,
  },

  bad_request: wrong('The request cannot be understood.'),
  unsupported_parameter: wrong('This parameter is not supported.'),
  unsupported_filter: wrong('This filter is not supported.'),
  unsupported_sort: wrong('This order is not supported.'),
  unsupported_include: wrong('This cannot be included.'),
  unsupported_field: wrong('There is no such field.'),
  invalid_parameter: wrong('This value is invalid.'),
  secret_in_query: wrong('Secrets are sent in the body or in headers, never in the address.'),
  page_too_large: wrong('The page is too large.'),
  too_broad: wrong('This looks at too many sessions: narrow it.'),
  unsupported_cursor_sort: wrong('This order is not supported.'),
  range_pagination: wrong('Send either before or after.'),
  invalid_document: wrong('The body is not a JSON object.'),
  type_mismatch: conflict,
  id_mismatch: conflict,
  client_generated_id: forbidden,
  route_unknown: { status: 404, sentence: 'There is nothing at this address.' },
  method_not_allowed: { status: 405, sentence: 'This address does not know this method.' },
  not_acceptable: { status: 406, sentence: 'Only JSON can be sent back.' },
  payload_too_large: { status: 413, sentence: 'The body is too large.' },
  headers_too_large: { status: 431, sentence: 'The headers are too large.' },
  unsupported_media_type: { status: 415, sentence: 'Send the body as application/json.' },
  internal: { status: 500, sentence: 'Something went wrong on our side.' },
} satisfies Record<Reason, Words>;

/** The core's names of what Lendix calls otherwise. */
const FIELDS = new Map([
  ['otp', 'code'],
  ['strategy', 'codeOrigin'],
]);

/** A refusal as it is sent: `{"errors": {field: sentence}}` where fields are at fault, else `{"error": sentence}`. */
export function errorsOf(refusal: Refusal): { status: number; body: object } {
  const { status, sentence }: Words = WORDS[refusal.reason];
  const wrongFields = refusal.problems.flatMap((problem) => {
    const field = fieldOf(problem);
    return field === undefined ? [] : [[field, WORDS[problem.reason].sentence]];
  });
  if (status !== 400 || wrongFields.length === 0) {
    const { detail } = refusal.problems[0];
    return { status, body: { error: refusal.reason === 'bad_request' ? (detail ?? sentence) : sentence } };
  }
  return { status, body: { errors: Object.fromEntries(wrongFields) as object } };
}

/** Answers a refusal in Lendix's words. */
export function writeErrors(response: Response, refusal: Refusal): void {
  const { status, body } = errorsOf(refusal);
  const words: Words = WORDS[refusal.reason];
  setRefusalHeaders(response, status, refusal, words, 'sessionToken realm="latchkey"');
  response.status(status).json(body);
}

function fieldOf({ reason, attribute, parameter }: Problem): string | undefined {
  const words: Words = WORDS[reason];
  if (words.field !== undefined) return words.field;
  const named = attribute ?? parameter;
  return named === undefined ? undefined : (FIELDS.get(named) ?? named);
}
