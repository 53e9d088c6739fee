import { errorsOf } from '../faces/lendix/errors.js';
import type { Problem } from '../refusal.js';
import { LIST_EXAMPLE, READ_EXAMPLE, SECURED_EXAMPLE, SIGN_IN_EXAMPLE } from './lendix.examples.js';
import type { Operations } from './operation.js';
import { ref, type Schema } from './schemas.js';

const JSON_TYPE = 'application/json';
const ID = { type: 'string', pattern: '^[0-9a-f]{24}$' };
const TEXT = { type: 'string' };
const INSTANT = { type: 'string', format: 'date-time' };

const face = {
  security: [{ lendix_token: [], lendix_user: [] }],
  mediaType: JSON_TYPE,
  errors: ref('lendix_errors'),
  answer: errorsOf,
};

const SESSION: Readonly<Record<string, Schema>> = {
  id: ID,
  token: {
    type: ['string', 'null'],
    description: 'Shown at sign-in, and to the session itself; null of any other.',
  },
  secured: { type: 'boolean', description: 'Whether a code was proved within the hour.' },
  location: {
    type: ['object', 'null'],
    properties: { lng: { type: 'number' }, lat: { type: 'number' }, name: TEXT },
    required: ['lng', 'lat', 'name'],
    additionalProperties: false,
  },
  userAgent: { type: ['string', 'null'] },
  lastAccessDate: INSTANT,
  creation: INSTANT,
};

const USER: Readonly<Record<string, Schema>> = {
  id: ID,
  name: TEXT,
  picture: TEXT,
  isFinsquare: { const: false },
  creation: INSTANT,
  email: TEXT,
  type: TEXT,
  phone: {
    type: 'object',
    properties: { countryCode: TEXT, number: TEXT },
    required: ['countryCode', 'number'],
    additionalProperties: false,
  },
  credit: { type: 'number' },
  status: { enum: ['activated', 'closed'], description: 'Sent at sign-in.' },
  rights: { type: 'array', items: TEXT },
  gender: TEXT,
  slug: TEXT,
  tax: { type: 'number' },
  taxResidency: TEXT,
  settings: {
    type: 'object',
    properties: { language: TEXT, agreements: { type: 'array', items: TEXT } },
    required: ['agreements'],
    additionalProperties: false,
  },
  business: { type: 'object', description: 'Sent for a single session, while there is one.' },
  intercomHash: { type: 'string', pattern: '^[0-9a-f]{64}$' },
};

/** What Lendix's answers are made of. */
export const LENDIX_SCHEMAS: Readonly<Record<string, Schema>> = {
  lendix_session: objectOf(SESSION),
  lendix_user: {
    ...objectOf(USER, ['id']),
    description: 'What is not set is left out; of a session that owes its second factor, all but the id.',
  },
  lendix_single: objectOf({ session: objectOf({ ...SESSION, user: ref('lendix_user') }) }),
  lendix_errors: {
    oneOf: [objectOf({ errors: { type: 'object', additionalProperties: TEXT } }), objectOf({ error: TEXT })],
  },
};

const ofSession: readonly Problem[] = [
  { reason: 'unauthenticated' },
  { reason: 'otp_required' },
  { reason: 'not_found' },
];
const single = (description: string, example: object) => ({
  status: 200,
  description,
  mediaType: JSON_TYPE,
  schema: ref('lendix_single'),
  examples: { session: example },
});
const bound = (name: string, what: string) => ({
  name,
  description: `${what} this one of the caller's sessions, exclusive; the most recently used come first.`,
  schema: ID,
});

/** Lendix's routes (lendix.txt). */
export const LENDIX_OPERATIONS: Operations = {
  'GET /lendix/sessions': {
    tag: 'Lendix',
    summary: 'List the sessions of the current user',
    who: 'signed_in',
    face,
    parameters: [
      bound('before', 'Those in front of'),
      bound('after', 'Those behind'),
      {
        name: 'limit',
        description: 'How many at most; over 100 is 100.',
        schema: { type: 'integer', minimum: 1, default: 20 },
      },
    ],
    answers: [
      {
        status: 200,
        description: 'They, and how many remain in the direction of reading.',
        mediaType: JSON_TYPE,
        schema: objectOf({
          sessions: { type: 'array', items: ref('lendix_session') },
          remaining: { type: 'integer' },
        }),
        examples: { sessions: LIST_EXAMPLE },
      },
    ],
    refusals: [
      { reason: 'invalid_parameter', parameter: 'before' },
      { reason: 'unauthenticated' },
      { reason: 'otp_required' },
    ],
  },
  'GET /lendix/sessions/{id}': {
    tag: 'Lendix',
    summary: 'Read a session of the current user',
    who: 'signed_in',
    face,
    answers: [single('The session, with its user and their business.', READ_EXAMPLE)],
    refusals: ofSession,
  },
  'POST /lendix/sessions': {
    tag: 'Lendix',
    summary: 'Sign in',
    description:
      'Of a user with an authenticator app the session is not activated yet: `POST` its code to the session, which answers with another token.',
    who: 'anyone',
    face: { ...face, security: [] },
    sent: {
      mediaType: JSON_TYPE,
      schema: {
        type: 'object',
        properties: { email: TEXT, password: { type: 'string', writeOnly: true } },
        required: ['email', 'password'],
      },
      examples: { credentials: { email: 'test@example.com', password: 'a nanosecond of wire', user: null } },
    },
    answers: [single('The session, with its token and its user.', SIGN_IN_EXAMPLE)],
    refusals: [
      { reason: 'blank', attribute: 'password' },
      { reason: 'secret_in_query', parameter: 'password' },
      { reason: 'unauthenticated' },
      { reason: 'user_closed' },
      { reason: 'unsupported_media_type' },
      { reason: 'too_many_sign_ins' },
      { reason: 'busy' },
    ],
  },
  'POST /lendix/sessions/{id}': {
    tag: 'Lendix',
    summary: 'Secure a session for an hour',
    description:
      'First `secured`, which sends a code; then the `code`. A session that is not activated yet takes the `code` of the app.',
    who: 'signed_in',
    face,
    sent: {
      mediaType: JSON_TYPE,
      schema: {
        type: 'object',
        properties: {
          secured: { const: true },
          codeOrigin: { enum: ['sms', 'email'], default: 'sms' },
          code: { type: 'string', writeOnly: true },
        },
      },
      examples: {
        'send a code by SMS': { secured: true },
        'send a code by mail': { secured: true, codeOrigin: 'email' },
        'the code': { code: '277453' },
      },
    },
    answers: [
      {
        ...single('The session: secured once the code was right.', SECURED_EXAMPLE),
        examples: {
          'code sent': { session: { ...SECURED_EXAMPLE.session, secured: false } },
          secured: SECURED_EXAMPLE,
        },
      },
    ],
    refusals: [
      { reason: 'blank', attribute: 'code' },
      { reason: 'wrong_code', attribute: 'code' },
      { reason: 'code_not_sent' },
      { reason: 'verification_over' },
      { reason: 'strategy_unavailable' },
      ...ofSession,
      { reason: 'read_only_session' },
      { reason: 'not_interactive' },
      { reason: 'otp_window_passed' },
      { reason: 'unsupported_media_type' },
      { reason: 'too_many_codes' },
      { reason: 'too_many_codes_sent' },
      { reason: 'channel_unavailable' },
    ],
  },
  'DELETE /lendix/sessions/{id}': {
    tag: 'Lendix',
    summary: 'Sign out',
    who: 'signed_in',
    face,
    answers: [
      {
        status: 200,
        description: 'The session has ended.',
        mediaType: JSON_TYPE,
        schema: { type: 'object', maxProperties: 0 },
        examples: { ended: {} },
      },
    ],
    refusals: [...ofSession, { reason: 'read_only_session' }],
  },
};

function objectOf(properties: Readonly<Record<string, Schema>>, required = Object.keys(properties)): Schema {
  return { type: 'object', properties, required, additionalProperties: false };
}
