import type { Reason } from '../refusal.js';
import { CURSOR_PROFILE } from './media-type.js';
import { MAX_PAGE_SIZE } from './paging.js';

/** How JSON:API says one reason: the status, and the error object's own words. */
export interface Words {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  /** The link `type`, where a profile names the error. */
  readonly type?: string;
  readonly meta?: object;
  /** The header at fault, unless the refusal names one. */
  readonly header?: string;
  /** Seconds to wait, unless the refusal names them. */
  readonly retryAfterSeconds?: number;
}

const unauthenticated: Words = {
  status: 401,
  code: 'invalid_auth_token',
  title: 'Unauthenticated',
  detail: 'You are not authenticated',
};

const denied = (code: string): Words => ({
  status: 403,
  code,
  title: 'Access Denied',
  detail: 'You are not authorized to access this resource',
});

const attribute = (detail: string): Words => ({
  status: 422,
  code: 'invalid_attribute',
  title: 'Invalid Attribute',
  detail,
});

const badRequest = (title: string, detail: string): Words => ({
  status: 400,
  code: 'bad_request',
  title,
  detail,
});
const conflict = (detail: string): Words => ({ status: 409, code: 'conflict', title: 'Conflict', detail });
const notFound = (detail: string): Words => ({ status: 404, code: 'not_found', title: 'Not Found', detail });

const tooMany = (detail: string): Words => ({
  status: 429,
  code: 'too_many_requests',
  title: 'Too Many Requests',
  detail,
});

const unavailable = (detail: string, retryAfterSeconds: number): Words => ({
  status: 503,
  code: 'unavailable',
  title: 'Service Unavailable',
  detail,
  retryAfterSeconds,
});

/** The native API's words for every reason (productive.txt; DECISIONS.md, Native 14). */
export const WORDS = {
  unauthenticated,
  credentials_conflict: {
    ...badRequest('Conflicting Credentials', 'Two different tokens were sent'),
    header: 'Authorization',
  },
  otp_required: denied('otp_required'),
  otp_window_passed: denied('validation_time_expired'),
  read_only_session: denied('read_only_session'),
  not_interactive: denied('forbidden'),
  forbidden: denied('forbidden'),
  last_administrator: conflict('The last administrator cannot be taken away'),
  user_closed: unauthenticated, // DECISIONS.md, Native 12
  step_up_required: {
    ...denied('step_up_required'),
    detail: 'Prove yourself once more: open a verification',
  },
  origin_not_allowed: denied('forbidden'),

  not_found: notFound('The resource does not exist'),
  conflict: conflict('The request conflicts with the present state of the resource'),
  two_factor_already_on: conflict('Two-factor authentication is already on'),
  enrollment_expired: conflict('The enrollment has expired: start a new one'),
  session_over: notFound('The resource does not exist'),
  session_expired: notFound('The resource does not exist'),
  verification_over: conflict('The verification is over: open a new one'),
  verification_missing: conflict('No verification was opened'),
  verification_out_of_order: conflict('The verification asks for another factor at this point'),
  code_not_sent: conflict('No code was sent for this verification that is still valid'),
  strategy_unavailable: attribute('is not available'),
  organization_unknown: attribute('attribute is invalid'),

  blank: attribute("can't be blank"),
  invalid: attribute('attribute is invalid'),
  too_long: attribute('is too long'),
  too_short: attribute('is too short'),
  too_common: attribute('is too common'),
  taken: attribute('has already been taken'),
  not_settable: attribute('cannot be set'),
  wrong_code: attribute('attribute is invalid'),
  wrong_password: attribute('attribute is invalid'),

  too_many_sign_ins: tooMany('Too many failed sign-ins: try again later'),
  too_many_codes: tooMany('Too many codes: try again later'),
  too_many_codes_sent: tooMany('A code was sent just now, or too many were: try again later'),
  channel_unavailable: unavailable('Codes cannot be sent this way at this moment', 60),
  busy: unavailable('Too much is asked at this moment: try again soon', 2),
  unavailable: unavailable('The service is not available at this moment: try again soon', 5),

  bad_request: badRequest('Bad Request', 'The request cannot be understood'),
  unsupported_parameter: badRequest(
    'Unsupported Parameter',
    'This parameter is not supported on this endpoint',
  ),
  unsupported_filter: badRequest('Unsupported Filter', 'This filter is not supported on this endpoint'),
  unsupported_sort: badRequest('Unsupported Sort', 'This sort is not supported on this endpoint'),
  unsupported_include: badRequest('Unsupported Include', 'This include is not supported on this endpoint'),
  unsupported_field: badRequest('Unsupported Field', 'This field does not exist'),
  invalid_parameter: badRequest('Invalid Parameter', 'The value of this parameter is invalid'),
  secret_in_query: badRequest(
    'Secret In Query',
    'Secrets are sent in the body or a header, never in the query',
  ),
  page_too_large: {
    ...badRequest('Page Too Large', `A page holds at most ${MAX_PAGE_SIZE} resources`),
    type: `${CURSOR_PROFILE}max-size-exceeded`,
    meta: { page: { maxSize: MAX_PAGE_SIZE } },
  },
  too_broad: badRequest(
    'Too Broad',
    'This filter or order looks at too many resources: narrow it by another filter',
  ),
  unsupported_cursor_sort: {
    ...badRequest(
      'Unsupported Sort',
      'Pages by cursor are sorted in one direction, by fields that are never null',
    ),
    type: `${CURSOR_PROFILE}unsupported-sort`,
  },
  range_pagination: {
    ...badRequest('Range Pagination Not Supported', 'Send either page[after] or page[before]'),
    type: `${CURSOR_PROFILE}range-pagination-not-supported`,
  },
  invalid_document: badRequest('Invalid Document', 'The body is not a JSON:API document of this resource'),
  type_mismatch: conflict('The type does not belong to this endpoint'),
  id_mismatch: conflict('The id is not the one in the URL'),
  client_generated_id: { ...denied('forbidden'), detail: 'Client-generated ids are not supported' },
  route_unknown: notFound('There is nothing at this address'),
  method_not_allowed: {
    status: 405,
    code: 'method_not_allowed',
    title: 'Method Not Allowed',
    detail: 'This address does not know this method',
  },
  not_acceptable: {
    status: 406,
    code: 'not_acceptable',
    title: 'Not Acceptable',
    detail: 'Accept application/vnd.api+json without parameters other than profile',
  },
  payload_too_large: {
    status: 413,
    code: 'payload_too_large',
    title: 'Payload Too Large',
    detail: 'The body is too large',
  },
  headers_too_large: {
    status: 431,
    code: 'headers_too_large',
    title: 'Request Header Fields Too Large',
    detail: 'The headers are too large',
  },
  unsupported_media_type: {
    status: 415,
    code: 'unsupported_media_type',
    title: 'Unsupported Media Type',
    detail: 'Send application/vnd.api+json without parameters other than profile, or application/json',
  },
  internal: {
    status: 500,
    code: 'internal_error',
    title: 'Internal Server Error',
    detail: 'Something went wrong on our side',
  },
} satisfies Record<Reason, Words>;
