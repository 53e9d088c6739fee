import { MachineToken } from '../machine-tokens/machine-token.attributes.js';
import { OtpValidation, Renewal, SessionDescription, SignIn } from '../sessions/session.attributes.js';
import { sessionResource } from '../sessions/session.resource.js';
import { EXAMPLES } from './contract-examples.js';
import type { Operations } from './operation.js';
import { ref } from './schemas.js';

const one = { resource: sessionResource, query: 'one' } as const;
const document = ref('sessions_document');
const minted = ref('minted_session_document');
const SHOWN = EXAMPLES['signs in'].response.body;

/** The routes of sessions and machine tokens; the examples are the contract's wherever it has one. */
export const SESSION_OPERATIONS: Operations = {
  'GET /api/v2/sessions': {
    tag: 'Sessions',
    summary: 'List sessions',
    description:
      "The caller's own live sessions, newest first. With the right `session.read`, `filter[user_id]` asks for those of other users: their ids with commas, or `all`.",
    who: 'signed_in',
    native: { resource: sessionResource, query: 'list' },
    answers: [
      {
        status: 200,
        description: 'A page of sessions.',
        schema: ref('sessions_list'),
        examples: { page: EXAMPLES['lists sessions'].response.body },
      },
    ],
    refusals: [{ reason: 'forbidden', parameter: 'include' }],
  },
  'POST /api/v2/sessions': {
    tag: 'Sessions',
    summary: 'Sign in',
    description:
      'Opens a session for an e-mail address and a password. While a second factor is owed it may only be validated or end itself. One with `lifetime_seconds` does not slide with its use; a `refreshable` one is renewed by the token that `meta.refresh_token` shows once.',
    who: 'anyone',
    native: one,
    body: {
      shape: SignIn,
      examples: {
        'e-mail and password': EXAMPLES['signs in'].request.body,
        'a fixed life': {
          data: {
            type: 'sessions',
            attributes: {
              email: 'grace@example.com',
              password: 'a nanosecond of wire',
              device_name: 'Till 7',
              lifetime_seconds: 43_200,
              refreshable: true,
            },
          },
        },
      },
    },
    answers: [
      {
        status: 201,
        description: 'The session, with its token: it is shown here and never again.',
        schema: minted,
        examples: { session: SHOWN },
        location: 'the session',
      },
    ],
    refusals: [
      { reason: 'unauthenticated' },
      { reason: 'secret_in_query', parameter: 'password' },
      { reason: 'client_generated_id', member: 'data/id' },
      { reason: 'invalid', attribute: 'lifetime_seconds' },
      { reason: 'too_many_sign_ins' },
      { reason: 'busy' },
    ],
  },
  'GET /api/v2/sessions/current': {
    tag: 'Sessions',
    summary: 'Read the session that asks',
    who: 'signed_in',
    native: one,
    answers: [{ status: 200, description: 'The session.', schema: document, examples: { session: SHOWN } }],
  },
  'GET /api/v2/sessions/{id}': {
    tag: 'Sessions',
    summary: 'Read a session',
    description: "One's own, or any with the right `session.read`.",
    who: 'signed_in',
    native: one,
    answers: [{ status: 200, description: 'The session.', schema: document, examples: { session: SHOWN } }],
    refusals: [{ reason: 'forbidden', parameter: 'include' }],
  },
  'PATCH /api/v2/sessions/{id}': {
    tag: 'Sessions',
    summary: 'Describe a session',
    description:
      "One's own, or any with the rights `session.read` and `session.write`. What is absent keeps its value; `metadata` is replaced as a whole. It can act for an organisation of its user's, or with null for none.",
    who: 'signed_in',
    native: one,
    body: {
      shape: SessionDescription,
      named: true,
      examples: {
        name: { data: { type: 'sessions', id: '2153', attributes: { name: 'Kitchen', note: null } } },
        organisation: { data: { type: 'sessions', id: '2153', attributes: { organization_id: 12 } } },
        metadata: { data: { type: 'sessions', id: '2153', attributes: { metadata: { shop: 'Graben' } } } },
      },
    },
    answers: [
      {
        status: 200,
        description: 'The session as it is now.',
        schema: document,
        examples: {
          session: {
            data: { ...SHOWN.data, attributes: { ...SHOWN.data.attributes, name: 'Kitchen' } },
            meta: {},
          },
        },
      },
    ],
    refusals: [
      { reason: 'forbidden' },
      { reason: 'step_up_required' },
      { reason: 'too_long', attribute: 'name' },
      { reason: 'too_long', attribute: 'metadata' },
      { reason: 'organization_unknown', attribute: 'organization_id' },
      { reason: 'not_settable', attribute: 'user_id' },
    ],
  },
  'DELETE /api/v2/sessions/{id}': {
    tag: 'Sessions',
    summary: 'End a session',
    description:
      "One's own, or any with the right `session.delete`. Once this is answered, no instance accepts its token or a JWT made from it. A session that owes its second factor may end itself.",
    who: 'signed_in',
    native: one,
    answers: [{ status: 204, description: 'It has ended.' }],
    refusals: [{ reason: 'forbidden' }],
  },
  'POST /api/v2/sessions/revoke': {
    tag: 'Sessions',
    summary: 'End many sessions',
    description:
      "Ends the sessions that the filters keep, machine sessions among them, and never the one that asks; without filters, all of the caller's others. Other users' sessions need the right `session.delete`.",
    who: 'signed_in',
    native: { resource: sessionResource, query: 'filter' },
    answers: [
      {
        status: 200,
        description: 'How many have ended.',
        schema: {
          type: 'object',
          properties: {
            meta: { type: 'object', properties: { revoked: { type: 'integer' } }, required: ['revoked'] },
          },
          required: ['meta'],
        },
        examples: { three: { meta: { revoked: 3 } } },
      },
    ],
  },
  'POST /api/v2/sessions/refresh': {
    tag: 'Sessions',
    summary: 'Renew the session that asks',
    description:
      'For a session that was opened with `refreshable`: gives it a new token, a new refresh token and its whole lifetime anew. The tokens it had open nothing from then on; of many who send them at the same moment one gets the new ones.',
    who: 'signed_in',
    native: one,
    body: {
      shape: Renewal,
      examples: {
        'refresh token': {
          data: {
            type: 'sessions',
            attributes: { refresh_token: '0f8e9f43-5ad9-4b8e-9d4b-2a6d90b5d7ad' },
          },
        },
      },
    },
    answers: [
      {
        status: 200,
        description:
          'The session with its new token, and in `meta` its new refresh token: shown here and never again.',
        schema: minted,
        examples: {
          session: { ...SHOWN, meta: { refresh_token: '5f3f1f0e-96a9-4c67-8a57-1f1f6b6f2a9c' } },
        },
      },
    ],
  },
  'PUT /api/v2/sessions/{id}/validate_otp': {
    tag: 'Sessions',
    summary: 'Give the second factor',
    description:
      'Makes a pending session active, by a one-time password or a recovery code, and the password; no credential is needed. The token changes: the one from signing in never opens anything. Possible for 300 seconds (`OTP_WINDOW_SECONDS`) after signing in, and for five tries. A session, user and password that do not fit together are the same 401.',
    who: 'optional',
    readOnlyToo: true,
    native: one,
    body: {
      shape: OtpValidation,
      examples: {
        'one-time password': EXAMPLES['validates a one-time password'].request.body,
        'recovery code': EXAMPLES['validates a recovery code'].request.body,
      },
    },
    answers: [
      {
        status: 200,
        description: 'The session, with its new token.',
        schema: document,
        examples: {
          'one-time password': EXAMPLES['validates a one-time password'].response.body,
          'recovery code': EXAMPLES['validates a recovery code'].response.body,
        },
      },
    ],
    refusals: [
      { reason: 'unauthenticated' },
      { reason: 'otp_window_passed' },
      { reason: 'wrong_code', attribute: 'otp' },
      { reason: 'too_many_codes' },
      { reason: 'too_many_sign_ins' },
      { reason: 'busy' },
    ],
  },
  'POST /api/v2/sessions/machine': {
    tag: 'Machine tokens',
    summary: 'Create a machine session',
    description:
      'A named session for a program. It does not expire unless `token_expires_at` is sent, and outlives changes of password and second factor. Asks for a proof within the last hour: of the second factor from whoever has one.',
    who: 'interactive',
    native: one,
    body: {
      shape: MachineToken,
      examples: { 'read-only': EXAMPLES['creates a read-only machine session'].request.body },
    },
    answers: [
      {
        status: 201,
        description: 'The session, with its token: it is shown here and never again.',
        schema: document,
        examples: { 'machine session': EXAMPLES['creates a read-only machine session'].response.body },
        location: 'the session',
      },
    ],
    refusals: [
      { reason: 'step_up_required' },
      { reason: 'invalid', attribute: 'read_only' },
      { reason: 'client_generated_id', member: 'data/id' },
    ],
  },
  'POST /api/v2/sessions/jwt': {
    tag: 'Machine tokens',
    summary: 'Mint a read-only JWT',
    description:
      'A short-lived ES256 JWT of the session, which anyone can verify by `/.well-known/jwks.json`, and which this API accepts for reading while the session lives.',
    who: 'signed_in',
    readOnlyToo: true,
    native: one,
    parameters: [
      {
        name: 'expires_in',
        description: 'Seconds until it expires.',
        schema: { type: 'integer', minimum: 1, maximum: 3600, default: 60 },
      },
    ],
    answers: [
      {
        status: 201,
        description: 'The JWT and what is in it.',
        mediaType: 'application/json',
        schema: {
          type: 'object',
          properties: {
            jwt: { type: 'string' },
            payload: {
              type: 'object',
              properties: {
                user_id: { type: 'integer' },
                exp: { type: 'integer', description: 'Seconds since 1970.' },
                type: { const: 'read-only' },
              },
              required: ['user_id', 'exp', 'type'],
              additionalProperties: false,
            },
          },
          required: ['jwt', 'payload'],
          additionalProperties: false,
        },
        examples: { JWT: EXAMPLES['mints a JWT'].response.body },
      },
    ],
    refusals: [{ reason: 'invalid_parameter', parameter: 'expires_in' }],
  },
};
