/** The errors documents that productive.txt shows, whole. */
function errors(status: string, code: string, title: string, detail: string, source = {}): object {
  return { errors: [{ status, code, title, detail, source }] };
}

const DENIED = 'You are not authorized to access this resource';

export const UNAUTHENTICATED = errors(
  '401',
  'invalid_auth_token',
  'Unauthenticated',
  'You are not authenticated',
);
export const VALIDATION_TIME_EXPIRED = errors('403', 'validation_time_expired', 'Access Denied', DENIED);
export const OTP_REQUIRED = errors('403', 'otp_required', 'Access Denied', DENIED);
export const READ_ONLY_SESSION = errors('403', 'read_only_session', 'Access Denied', DENIED);
export const STEP_UP_REQUIRED = errors(
  '403',
  'step_up_required',
  'Access Denied',
  'Prove yourself once more: open a verification',
);
export const FORBIDDEN = errors('403', 'forbidden', 'Access Denied', DENIED);
export const NOT_FOUND = errors('404', 'not_found', 'Not Found', 'The resource does not exist');
export const INVALID_OTP = invalidAttribute('otp');
export const TOO_MANY_CODES = errors(
  '429',
  'too_many_requests',
  'Too Many Requests',
  'Too many codes: try again later',
);

/** A 422 that points at one attribute. */
export function invalidAttribute(name: string, detail = 'attribute is invalid'): object {
  return errors('422', 'invalid_attribute', 'Invalid Attribute', detail, {
    pointer: `data/attributes/${name}`,
  });
}
