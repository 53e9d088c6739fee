import type { Response } from 'express';
import { setRefusalHeaders } from '../../http/refusal-headers.js';
import type { Problem, Reason, Refusal } from '../../refusal.js';

/** How this API says one reason: the status, and one object of the error list. */
interface Words {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** `{param}` stands for the form's parameter at fault. */
  readonly longMessage: string;
  /** The form's parameter at fault, whatever the core calls it. */
  readonly param?: string;
  /** Seconds to wait, unless the refusal names them. */
  readonly retryAfterSeconds?: number;
}

const words = (status: number, code: string, message: string, longMessage: string): Words => ({
  status,
  code,
  message,
  longMessage,
});

const unauthorized = words(
  403,
  'authorization_invalid',
  'Unauthorized request',
  'You are not authorized to perform this request',
);

const wrongPassword = {
  ...words(
    422,
    'form_password_incorrect',
    'Password is incorrect. Try again, or use another method.',
    'Password is incorrect. Try again, or use another method.',
  ),
  param: 'password',
};

const sessionIsOver = words(
  400,
  'invalid_action_for_session',
  'Invalid action for user session',
  'The session is over: nothing can be done with it',
);

const malformed = words(
  400,
  'malformed_request_parameters',
  'Malformed request parameters',
  'The request parameters are malformed and could not be parsed',
);

const invalidParameter = words(422, 'form_param_value_invalid', 'is invalid', '{param} is invalid');
const invalidFormat = words(422, 'form_param_format_invalid', 'is invalid', '{param} is invalid');
const unknownParameter = words(
  422,
  'form_param_unknown',
  'is unknown',
  '{param} is not a valid parameter for this request.',
);

const unavailable = (longMessage: string, retryAfterSeconds: number): Words => ({
  ...words(503, 'service_unavailable', 'Service unavailable', longMessage),
  retryAfterSeconds,
});

const tooMany = words(
  429,
  'too_many_requests',
  'Too many requests. Please try again in a bit.',
  'Too many requests. Please try again in a bit.',
);

const conflict = words(
  409,
  'resource_locked',
  'Resource locked',
  'The request conflicts with the present state of the resource',
);

/**
 * This API's words for every reason (CONTRACTS.md §2.5; the codes are Clerk's, but for `method_not_allowed`,
 * `not_acceptable` and `service_unavailable`, for which it has none).
 */
export const WORDS = {
  unauthenticated: words(
    401,
    'authentication_invalid',
    'Invalid authentication',
    'Unable to authenticate the request, you need to supply an active session',
  ),
  credentials_conflict: words(
    400,
    'origin_authorization_headers_conflict',
    "Setting both the 'Origin' and 'Authorization' headers is forbidden",
    "For security purposes, only one of the 'Origin' and 'Authorization' headers should be provided, but not both.",
  ),
  otp_required: unauthorized,
  otp_window_passed: words(
    400,
    'verification_expired',
    'expired',
    'This verification has expired. You must create a new one.',
  ),
  read_only_session: unauthorized,
  not_interactive: unauthorized,
  forbidden: unauthorized,
  last_administrator: conflict,
  user_closed: wrongPassword, // it says no more than for whoever does not exist
  step_up_required: words(
    403,
    'session_reverification_required',
    'Reverification required',
    'You need to provide additional verification to perform this operation',
  ),
  origin_not_allowed: words(
    403,
    'origin_invalid',
    'Invalid HTTP Origin header',
    'The Origin header of this request is not one of the allowed origins',
  ),

  not_found: words(404, 'resource_not_found', 'not found', 'Nothing was found with this id'),
  conflict,
  two_factor_already_on: conflict,
  enrollment_expired: conflict,
  session_over: sessionIsOver,
  session_expired: sessionIsOver,
  verification_over: words(
    400,
    'verification_expired',
    'expired',
    'This verification has expired, failed, or is complete. You must create a new one.',
  ),
  verification_missing: words(
    400,
    'session_reverification_missing',
    'Session reverification missing',
    'A session reverification has to be started first',
  ),
  verification_out_of_order: words(
    400,
    'invalid_action_for_session_reverification',
    'Invalid action for session reverification',
    'The session is not ready for this step of a reverification',
  ),
  code_not_sent: words(
    400,
    'verification_not_sent',
    'not sent',
    'You need to send a verification code before attempting to verify.',
  ),
  strategy_unavailable: words(
    400,
    'strategy_for_user_invalid',
    'Invalid verification strategy',
    'The verification strategy is not valid for this account',
  ),
  organization_unknown: words(
    404,
    'organization_not_found_or_unauthorized',
    'not found or unauthorized',
    "Given organization not found, or you don't have permission to access the organization",
  ),

  blank: words(422, 'form_param_missing', 'is missing', '{param} must be included.'),
  invalid: invalidParameter,
  too_long: words(422, 'form_param_max_length_exceeded', 'exceeds maximum length', '{param} is too long.'),
  too_short: invalidFormat,
  too_common: invalidFormat,
  taken: words(422, 'form_identifier_exists', 'is taken', '{param} is taken. Please try another.'),
  not_settable: unknownParameter,
  wrong_code: { ...words(422, 'form_code_incorrect', 'is incorrect', 'Incorrect code'), param: 'code' },
  wrong_password: wrongPassword,

  too_many_sign_ins: tooMany,
  too_many_codes: tooMany,
  too_many_codes_sent: words(
    429,
    'verification_code_too_many_requests',
    'Too many verification code requests',
    'Too many verification code requests. Please wait at least 30 seconds to receive your code before trying again.',
  ),
  channel_unavailable: unavailable('Codes cannot be sent this way at this moment', 60),
  busy: unavailable('Too much is asked at this moment: try again soon', 2),
  unavailable: unavailable('The service is not available at this moment: try again soon', 5),

  bad_request: malformed,
  unsupported_parameter: malformed,
  unsupported_filter: malformed,
  unsupported_sort: malformed,
  unsupported_include: malformed,
  unsupported_field: malformed,
  invalid_parameter: words(
    400,
    'invalid_query_parameter_value',
    'Invalid query parameter',
    'The value of a query parameter is not one of the allowed ones',
  ),
  secret_in_query: malformed,
  page_too_large: malformed,
  too_broad: malformed,
  unsupported_cursor_sort: malformed,
  range_pagination: malformed,
  invalid_document: words(
    400,
    'request_body_invalid',
    'Request body invalid',
    'The request body is invalid. Please consult the API documentation for more information.',
  ),
  type_mismatch: invalidParameter,
  id_mismatch: invalidParameter,
  client_generated_id: unknownParameter,
  route_unknown: words(404, 'resource_not_found', 'not found', 'There is nothing at this address'),
  method_not_allowed: words(
    405,
    'method_not_allowed',
    'Method not allowed',
    'This address does not know this method',
  ),
  not_acceptable: words(406, 'not_acceptable', 'Not acceptable', 'This can only be answered with JSON'),
  payload_too_large: words(413, 'request_body_too_large', 'Request body too large', 'The body is too large'),
  headers_too_large: words(
    431,
    'request_headers_too_large',
    'Request headers too large',
    'The headers are too large',
  ),
  unsupported_media_type: words(
    415,
    'unsupported_content_type',
    'Content-Type is unsupported',
    'Content-Type is unsupported. You should use application/x-www-form-urlencoded instead.',
  ),
  internal: words(
    500,
    'internal_clerk_error',
    'Oops, an unexpected error occurred',
    "There was an internal error on our servers. We've been notified and are working on fixing it.",
  ),
} satisfies Record<Reason, Words>;

/** Answers a refusal with this API's list of errors, under the request's id as `clerk_trace_id` (CONTRACTS.md §2.5). */
export function writeErrors(response: Response, refusal: Refusal): void {
  const { status, body } = errorsOf(refusal);
  setRefusalHeaders(response, status, refusal, WORDS[refusal.reason]);
  const traceId = response.getHeader('X-Request-Id');
  response.setHeader('Cache-Control', 'no-store');
  response.status(status).json({ ...body, ...(traceId === undefined ? {} : { clerk_trace_id: traceId }) });
}

/** The status and the body of a refusal, without the request's id; the status is that of its first problem. */
export function errorsOf(refusal: Refusal): { status: number; body: { errors: object[] } } {
  return { status: WORDS[refusal.reason].status, body: { errors: refusal.problems.map(errorObject) } };
}

function errorObject(problem: Problem): object {
  const { status, code, message, longMessage, param = problem.attribute }: Words = WORDS[problem.reason];
  const sentence = longMessage.replace('{param}', param ?? 'The request');
  return {
    message,
    // Every 401 is the same to the byte, so that none tells what was wrong.
    long_message: status === 401 ? sentence : (problem.detail ?? sentence),
    code,
    ...(status === 422 && param !== undefined ? { meta: { param_name: param } } : {}),
  };
}
