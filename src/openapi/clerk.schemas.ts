import { ref, type Schema } from './schemas.js';

const TEXT = { type: 'string' };
const TEXT_OR_NULL = { type: ['string', 'null'] };
const BOOLEAN = { type: 'boolean' };
const INTEGER = { type: 'integer' };
const NULL = { type: 'null' };
const OBJECT = { type: 'object' };
const EMPTY = { type: 'array', maxItems: 0 };
const MILLISECONDS = { type: 'integer', description: 'Milliseconds since 1970.' };
const MILLISECONDS_OR_NULL = { type: ['integer', 'null'] };

const id = (prefix: string): Schema => ({ type: 'string', pattern: `^${prefix}[1-9A-Za-z][0-9A-Za-z]*$` });
const listOf = (items: Schema): Schema => ({ type: 'array', items });
const orNull = (schema: Schema): Schema => ({ anyOf: [schema, NULL] });
const DATES = { created_at: MILLISECONDS, updated_at: MILLISECONDS };

const PUBLIC_USER_DATA = objectOf({
  first_name: TEXT_OR_NULL,
  last_name: TEXT_OR_NULL,
  image_url: TEXT,
  has_image: BOOLEAN,
  identifier: TEXT,
  profile_image_url: TEXT_OR_NULL,
  user_id: id('user_'),
  username: NULL,
  banned: BOOLEAN,
  deprovisioned: BOOLEAN,
});

const EMAIL_ADDRESS = objectOf({
  id: id('idn_e'),
  object: { const: 'email_address' },
  email_address: TEXT,
  reserved: BOOLEAN,
  verification: NULL,
  linked_to: EMPTY,
  matches_sso_connection: BOOLEAN,
  ...DATES,
});

const PHONE_NUMBER = objectOf({
  id: id('idn_p'),
  object: { const: 'phone_number' },
  phone_number: TEXT,
  reserved_for_second_factor: BOOLEAN,
  default_second_factor: BOOLEAN,
  reserved: BOOLEAN,
  verification: NULL,
  linked_to: EMPTY,
  backup_codes: NULL,
  ...DATES,
});

const ORGANIZATION = objectOf({
  id: id('org_'),
  object: { const: 'organization' },
  name: TEXT,
  slug: TEXT,
  image_url: TEXT,
  has_image: BOOLEAN,
  max_allowed_memberships: INTEGER,
  admin_delete_enabled: BOOLEAN,
  public_metadata: OBJECT,
  ...DATES,
});

const MEMBERSHIP = objectOf({
  id: id('orgmem_'),
  object: { const: 'organization_membership' },
  public_metadata: OBJECT,
  role: { type: 'string', pattern: '^org:' },
  role_name: TEXT,
  permissions: EMPTY,
  ...DATES,
  organization: ORGANIZATION,
  public_user_data: PUBLIC_USER_DATA,
});

const USER = objectOf({
  id: id('user_'),
  object: { const: 'user' },
  username: NULL,
  first_name: TEXT_OR_NULL,
  last_name: TEXT_OR_NULL,
  image_url: TEXT,
  has_image: BOOLEAN,
  primary_email_address_id: id('idn_e'),
  primary_phone_number_id: orNull(id('idn_p')),
  primary_web3_wallet_id: NULL,
  password_enabled: BOOLEAN,
  two_factor_enabled: BOOLEAN,
  totp_enabled: BOOLEAN,
  backup_code_enabled: BOOLEAN,
  email_addresses: listOf(EMAIL_ADDRESS),
  phone_numbers: listOf(PHONE_NUMBER),
  web3_wallets: EMPTY,
  passkeys: EMPTY,
  external_accounts: EMPTY,
  saml_accounts: EMPTY,
  enterprise_accounts: EMPTY,
  organization_memberships: listOf(MEMBERSHIP),
  public_metadata: { ...OBJECT, description: 'What administrators note of the person.' },
  unsafe_metadata: OBJECT,
  external_id: NULL,
  last_sign_in_at: NULL,
  banned: BOOLEAN,
  deprovisioned: BOOLEAN,
  locked: BOOLEAN,
  lockout_expires_in_seconds: NULL,
  verification_attempts_remaining: NULL,
  password_last_updated_at: NULL,
  ...DATES,
  delete_self_enabled: BOOLEAN,
  create_organization_enabled: BOOLEAN,
  last_active_at: MILLISECONDS,
  mfa_enabled_at: NULL,
  mfa_disabled_at: NULL,
  legal_accepted_at: NULL,
});

const SESSION_BASE = {
  id: id('sess_'),
  object: { const: 'session' },
  status: { enum: ['active', 'ended', 'expired', 'removed', 'revoked', 'replaced'] },
  expire_at: MILLISECONDS,
  abandon_at: MILLISECONDS,
  last_active_at: MILLISECONDS,
  last_active_token: { ...NULL, description: 'Tokens are asked for by `/tokens`.' },
  actor: NULL,
  tasks: NULL,
};

const FACTOR = objectOf(
  {
    strategy: { enum: ['password', 'email_code', 'phone_code', 'totp', 'backup_code'] },
    safe_identifier: TEXT_OR_NULL,
    email_address_id: id('idn_e'),
    phone_number_id: id('idn_p'),
    primary: BOOLEAN,
    default: BOOLEAN,
  },
  ['strategy'],
);

const PROOF = objectOf({
  object: { type: 'string', pattern: '^verification_(otp|password|totp|backup_code)$' },
  status: { enum: ['unverified', 'verified', 'failed', 'expired'] },
  strategy: TEXT,
  attempts: { type: ['integer', 'null'] },
  expire_at: MILLISECONDS_OR_NULL,
});

const FACTORS = {
  supported_first_factors: orNull(listOf(FACTOR)),
  supported_second_factors: orNull(listOf(FACTOR)),
  first_factor_verification: orNull(PROOF),
  second_factor_verification: orNull(PROOF),
};

const ERROR = objectOf(
  { message: TEXT, long_message: TEXT, code: TEXT, meta: objectOf({ param_name: TEXT }) },
  ['message', 'long_message', 'code'],
);

const JWK = objectOf({
  kty: { const: 'RSA' },
  kid: TEXT,
  alg: { const: 'RS256' },
  use: { const: 'sig' },
  n: TEXT,
  e: TEXT,
});

/** What Clerk's answers are made of (CONTRACTS.md §2.3). */
export const CLERK_SCHEMAS: Readonly<Record<string, Schema>> = {
  clerk_user: USER,
  clerk_session: objectOf({
    ...SESSION_BASE,
    last_active_organization_id: orNull(id('org_')),
    user: ref('clerk_user'),
    public_user_data: PUBLIC_USER_DATA,
    factor_verification_age: {
      type: 'array',
      items: INTEGER,
      minItems: 2,
      maxItems: 2,
      description: 'Whole minutes since the first and the second factor were proved; −1 for never.',
    },
    ...DATES,
  }),
  clerk_active_session: objectOf({
    ...SESSION_BASE,
    user: NULL,
    latest_activity: objectOf({
      object: { const: 'session_activity' },
      id: id('sess_activity_'),
      is_mobile: BOOLEAN,
      device_type: TEXT_OR_NULL,
      browser_name: TEXT_OR_NULL,
      browser_version: NULL,
      ip_address: TEXT_OR_NULL,
      city: TEXT_OR_NULL,
      country: TEXT_OR_NULL,
    }),
  }),
  clerk_client: objectOf({
    object: { const: 'client' },
    id: id('client_'),
    sessions: listOf(ref('clerk_session')),
    sign_in: orNull(ref('clerk_sign_in')),
    sign_up: NULL,
    last_active_session_id: orNull(id('sess_')),
    last_authentication_strategy: { enum: ['password', null] },
    cookie_expires_at: MILLISECONDS,
    captcha_bypass: BOOLEAN,
    ...DATES,
  }),
  clerk_sign_in: objectOf({
    object: { const: 'sign_in_attempt' },
    id: id('sia_'),
    status: { enum: ['needs_first_factor', 'needs_second_factor', 'complete', 'abandoned'] },
    supported_identifiers: listOf(TEXT),
    ...FACTORS,
    identifier: TEXT,
    user_data: orNull(PUBLIC_USER_DATA),
    created_session_id: orNull(id('sess_')),
    abandon_at: MILLISECONDS,
  }),
  clerk_session_reverification: objectOf({
    object: { const: 'session_reverification' },
    level: {
      enum: ['first_factor', 'second_factor', 'multi_factor'],
      description: 'What will be proved: the first factor, where the user has no second one.',
    },
    status: { enum: ['needs_first_factor', 'needs_second_factor', 'complete'] },
    ...FACTORS,
    session: ref('clerk_session'),
  }),
  clerk_token: objectOf({ jwt: TEXT }),
  clerk_jwks: objectOf({ keys: listOf(JWK) }),
  clerk_environment: { ...OBJECT, description: 'What the browser SDK reads when it starts.' },
  clerk_errors: objectOf({ errors: listOf(ERROR), clerk_trace_id: TEXT }, ['errors']),
};

/** An answer that carries the browser's state along. */
export function wrapped(response: Schema): Schema {
  return objectOf({ response, client: orNull(ref('clerk_client')) });
}

function objectOf(properties: Readonly<Record<string, Schema>>, required = Object.keys(properties)): Schema {
  return { type: 'object', properties, required, additionalProperties: false };
}
