import { statusOf } from '../faces/zitadel/errors.js';
import type { Problem, Refusal } from '../refusal.js';
import type { DescribedFace, Operation, Operations } from './operation.js';
import { ref, type Schema } from './schemas.js';
import { CHANGED, COMPOSITION, FOUND, ID, message, SEARCH, TEXT } from './zitadel.schemas.js';

const JSON_TYPE = 'application/json';
/** Refusals in ZITADEL's words; those of some reasons depend on the method. */
function face(method: string): DescribedFace {
  return {
    security: [{ bearer: [] }],
    mediaType: JSON_TYPE,
    errors: ref('zitadel_status'),
    answer: (refusal: Refusal) => statusOf(refusal, method),
  };
}

const AT = '2023-01-15T01:30:15.010Z';
const SESSION = {
  id: '1207',
  creationDate: AT,
  changeDate: AT,
  sequence: '2',
  factors: {
    user: { verifiedAt: AT, id: '17', loginName: 'ada@example.com', displayName: 'Ada Lovelace' },
    password: { verifiedAt: AT },
    totp: { verifiedAt: AT },
  },
  metadata: { plan: 'Z29sZA==' },
  userAgent: {
    fingerprintId: 'b357b9b1',
    ip: '192.0.2.7',
    description: 'Chrome on macOS',
    header: { 'user-agent': { values: ['Mozilla/5.0'] } },
  },
  expirationDate: '2023-01-15T02:30:15.010Z',
};
const DETAILS = { sequence: '2', changeDate: AT };
const TOKEN = 'c1d10f0b-56e2-9bd5-6f1b-9d6e3e0a7f44';

const answer = (status: number, description: string, schema: Schema, example: object) => ({
  status,
  description,
  mediaType: JSON_TYPE,
  schema,
  examples: { example },
});
const body = (schema: Schema, example: object, optional = false) => ({
  mediaType: JSON_TYPE,
  schema,
  examples: { example },
  optional,
});

const SIGNED_IN: readonly Problem[] = [{ reason: 'unauthenticated' }, { reason: 'otp_required' }];
const TAKES_BODY: readonly Problem[] = [{ reason: 'bad_request' }, { reason: 'unsupported_media_type' }];
const COMPOSES: readonly Problem[] = [
  ...SIGNED_IN,
  ...TAKES_BODY,
  { reason: 'invalid_document', member: 'checks.totp.code' },
  { reason: 'read_only_session' },
  { reason: 'forbidden' },
  { reason: 'not_found', attribute: 'user' },
  { reason: 'user_closed' },
  { reason: 'verification_out_of_order' },
  { reason: 'wrong_password' },
  { reason: 'wrong_code' },
  { reason: 'wrong_code', attribute: 'recovery_code' },
  { reason: 'code_not_sent' },
  { reason: 'strategy_unavailable' },
  { reason: 'strategy_unavailable', attribute: 'webAuthN' },
  { reason: 'invalid', attribute: 'lifetime' },
  { reason: 'conflict' },
  { reason: 'too_many_sign_ins' },
  { reason: 'too_many_codes' },
  { reason: 'too_many_codes_sent' },
  { reason: 'channel_unavailable' },
];

const operation = (described: Omit<Operation, 'tag' | 'who' | 'face'>, method: string): Operation => ({
  tag: 'ZITADEL',
  who: 'signed_in',
  face: face(method),
  ...described,
});

/** ZITADEL's Session API v2 (zitadel.txt; CONTRACTS.md, 3). */
export const ZITADEL_OPERATIONS: Operations = {
  'POST /zitadel/v2/sessions/search': operation(
    {
      summary: 'List sessions',
      description:
        'One’s own sessions and those that one opened for others; everybody’s with the right `session.read`. Queries are combined with AND, and each is one of the six.',
      readOnlyToo: true,
      sent: body(SEARCH, { query: { limit: 10 }, queries: [{ userIdQuery: { id: '17' } }] }, true),
      answers: [
        answer(200, 'A page of sessions.', FOUND, {
          details: { totalResult: '1', timestamp: AT },
          sessions: [SESSION],
        }),
      ],
      refusals: [
        ...SIGNED_IN,
        ...TAKES_BODY,
        { reason: 'invalid_document', member: 'query.limit' },
        { reason: 'unsupported_filter' },
        { reason: 'page_too_large' },
        { reason: 'too_broad' },
        { reason: 'busy' },
      ],
    },
    'POST',
  ),
  'POST /zitadel/v2/sessions': operation(
    {
      summary: 'Create a session',
      description:
        'For the user of the check, with the right `session.write`. It is pending, and its token opens nothing, until the password was checked, and for users with a second factor their one-time password or a recovery code.',
      sent: body(
        message({ ...COMPOSITION, userAgent: ref('zitadel_user_agent') }),
        {
          checks: { user: { loginName: 'ada@example.com' }, password: { password: 'correct horse battery' } },
          metadata: { plan: 'Z29sZA==' },
          lifetime: '3600s',
        },
        true,
      ),
      answers: [
        answer(
          201,
          'The session was created.',
          message({ ...CHANGED, sessionId: ID }, ['details', 'sessionId', 'sessionToken']),
          {
            details: { sequence: '1', changeDate: AT, creationDate: AT },
            sessionId: '1207',
            sessionToken: TOKEN,
          },
        ),
      ],
      refusals: COMPOSES,
    },
    'POST',
  ),
  'GET /zitadel/v2/sessions/{id}': operation(
    {
      summary: 'Get a session',
      description: 'One’s own, one that one opened, any with the right `session.read`, or by its token.',
      parameters: [
        {
          name: 'sessionToken',
          description: 'Lets whoever has it see the session; a wrong one is 403.',
          schema: TEXT,
        },
      ],
      answers: [
        answer(200, 'The session.', message({ session: ref('zitadel_session') }, ['session']), {
          session: SESSION,
        }),
      ],
      refusals: [...SIGNED_IN, { reason: 'forbidden', attribute: 'session_token' }, { reason: 'not_found' }],
    },
    'GET',
  ),
  'PATCH /zitadel/v2/sessions/{id}': operation(
    {
      summary: 'Set a session',
      description:
        'Checks more, sends codes, notes metadata: all that is asked for, or nothing. Whatever changes puts a new token in the place of the old one.',
      sent: body(message(COMPOSITION), { checks: { totp: { code: '123456' } } }, true),
      answers: [
        answer(200, 'The session was set.', message(CHANGED, ['details']), {
          details: DETAILS,
          sessionToken: TOKEN,
        }),
      ],
      refusals: [
        ...COMPOSES,
        { reason: 'not_found' },
        { reason: 'session_over' },
        { reason: 'session_expired' },
        { reason: 'conflict', attribute: 'user' },
        { reason: 'not_interactive' },
        { reason: 'step_up_required' },
      ],
    },
    'PATCH',
  ),
  'DELETE /zitadel/v2/sessions/{id}': operation(
    {
      summary: 'Delete a session',
      description:
        'One’s own, one that one opened, any with the right `session.delete`, or by its token. What is unknown, somebody else’s or over is answered 200 too, and nothing is done.',
      sent: body(message({ sessionToken: TEXT }), { sessionToken: TOKEN }, true),
      answers: [
        answer(200, 'The session is over.', message({ details: ref('zitadel_details') }, ['details']), {
          details: DETAILS,
        }),
      ],
      refusals: [
        ...SIGNED_IN,
        ...TAKES_BODY,
        { reason: 'read_only_session' },
        { reason: 'forbidden' },
        { reason: 'forbidden', attribute: 'session_token' },
      ],
    },
    'DELETE',
  ),
};
