import { CLERK_EXAMPLES } from './clerk.examples.js';
import { OF_CHANGE, OF_PASSWORD, OF_SESSION, proofForm, told } from './clerk.operation.js';
import { wrapped } from './clerk.schemas.js';
import type { Operation, Operations } from './operation.js';
import { ref } from './schemas.js';

const TEXT = { type: 'string' };
const SECRET = { type: 'string', writeOnly: true };
const SESSION = wrapped(ref('clerk_session'));
const SIGN_IN = wrapped(ref('clerk_sign_in'));
const CLIENT = wrapped({ anyOf: [ref('clerk_client'), { type: 'null' }] });
const SIGN_INS = '/clerk/v1/client/sign_ins';

const OF_USER = {
  parameters: [
    {
      name: '_clerk_session_id',
      description:
        'Whose: the user of this session of the browser. By default of the one that was used last.',
      schema: TEXT,
    },
  ],
};

/** The neighbours of Clerk's documented routes, without which no client gets a session (CONTRACTS.md §2.2). */
export const CLERK_NEIGHBOURS: Operations = {
  'GET /clerk/v1/client': told(
    'Get client',
    CLIENT,
    { client: CLERK_EXAMPLES.client, 'before any sign-in': CLERK_EXAMPLES.nobody },
    { who: 'any_browser' },
  ),
  'PUT /clerk/v1/client': told(
    'Create client',
    CLIENT,
    { client: CLERK_EXAMPLES.emptied },
    { who: 'any_browser', refusals: OF_CHANGE },
  ),
  'POST /clerk/v1/client': told(
    'Create client',
    CLIENT,
    { client: CLERK_EXAMPLES.emptied },
    { who: 'any_browser', refusals: OF_CHANGE },
  ),
  'DELETE /clerk/v1/client': told(
    'Delete client',
    CLIENT,
    { 'no client': CLERK_EXAMPLES.nobody },
    {
      who: 'any_browser',
      description: 'Its sessions and its cookie.',
      refusals: [...OF_CHANGE, ...OF_SESSION],
    },
  ),
  [`POST ${SIGN_INS}`]: told(
    'Create sign-in',
    SIGN_IN,
    { complete: CLERK_EXAMPLES.signInComplete, begun: CLERK_EXAMPLES.signInBegun },
    {
      who: 'any_browser',
      description: 'With the password at once, or without it and then `attempt_first_factor`.',
      form: {
        fields: { identifier: TEXT, strategy: { const: 'password' }, password: SECRET },
        required: ['identifier'],
        example: { identifier: 'ada@example.com', strategy: 'password', password: 'correct horse battery' },
      },
      refusals: [
        { reason: 'blank', attribute: 'identifier' },
        { reason: 'strategy_unavailable' },
        ...OF_PASSWORD,
      ],
    },
  ),
  [`GET ${SIGN_INS}/{id}`]: told(
    'Get sign-in',
    SIGN_IN,
    { begun: CLERK_EXAMPLES.signInBegun },
    { refusals: OF_SESSION },
  ),
  [`POST ${SIGN_INS}/{id}/prepare_first_factor`]: unprepared('Prepare first factor of a sign-in'),
  [`POST ${SIGN_INS}/{id}/attempt_first_factor`]: told(
    'Attempt first factor of a sign-in',
    SIGN_IN,
    { complete: CLERK_EXAMPLES.signInComplete, 'second factor owed': CLERK_EXAMPLES.signInOwing },
    {
      form: proofForm(['password'], ['password'], {
        strategy: 'password',
        password: 'correct horse battery',
      }),
      refusals: [
        ...OF_SESSION,
        { reason: 'blank', attribute: 'password' },
        { reason: 'strategy_unavailable' },
        { reason: 'verification_out_of_order' },
        { reason: 'verification_over' },
        ...OF_PASSWORD,
      ],
    },
  ),
  [`POST ${SIGN_INS}/{id}/prepare_second_factor`]: unprepared('Prepare second factor of a sign-in'),
  [`POST ${SIGN_INS}/{id}/attempt_second_factor`]: told(
    'Attempt second factor of a sign-in',
    SIGN_IN,
    { complete: CLERK_EXAMPLES.signInComplete },
    {
      form: proofForm(['totp', 'backup_code'], ['code'], { strategy: 'totp', code: '277453' }),
      refusals: [
        ...OF_SESSION,
        { reason: 'blank', attribute: 'code' },
        { reason: 'wrong_code', attribute: 'code' },
        { reason: 'strategy_unavailable' },
        { reason: 'verification_out_of_order' },
        { reason: 'verification_over' },
        { reason: 'otp_window_passed' },
        { reason: 'too_many_codes' },
      ],
    },
  ),
  'GET /clerk/v1/me/sessions': told(
    'List sessions of the user',
    { type: 'array', items: ref('clerk_session') },
    { sessions: CLERK_EXAMPLES.sessions },
    OF_USER,
  ),
  'GET /clerk/v1/me/sessions/active': told(
    'List active sessions of the user',
    { type: 'array', items: ref('clerk_active_session') },
    { sessions: CLERK_EXAMPLES.activeSessions },
    OF_USER,
  ),
  'POST /clerk/v1/me/sessions/{id}/revoke': told(
    'Revoke a session of the user',
    SESSION,
    { session: CLERK_EXAMPLES.revoked },
    { ...OF_USER, refusals: [...OF_CHANGE, ...OF_SESSION] },
  ),
  'GET /clerk/v1/environment': told(
    'Get environment',
    ref('clerk_environment'),
    { environment: CLERK_EXAMPLES.environment },
    { who: 'anyone' },
  ),
  'PATCH /clerk/v1/environment': told(
    'Update environment',
    ref('clerk_environment'),
    { environment: CLERK_EXAMPLES.environment },
    {
      who: 'anyone',
      description: 'Changes nothing: the browser SDK says so where it runs.',
      refusals: OF_CHANGE,
    },
  ),
  'GET /clerk/.well-known/jwks.json': told(
    'Get the keys of session tokens',
    ref('clerk_jwks'),
    { keys: CLERK_EXAMPLES.jwks },
    { who: 'anyone' },
  ),
  'GET /clerk/v1/jwks': told(
    'Get the keys of session tokens',
    ref('clerk_jwks'),
    { keys: CLERK_EXAMPLES.jwks },
    { who: 'anyone', description: 'Where backends look for them.' },
  ),
};

/** Neither a password nor an authenticator app is prepared, and no code that is sent signs anybody in. */
function unprepared(summary: string): Operation {
  const description = 'Always refused: nothing that signs in here has to be prepared.';
  const refusals = [...OF_CHANGE, ...OF_SESSION, { reason: 'strategy_unavailable' } as const];
  return { ...told(summary, SIGN_IN, {}, { description, refusals }), answers: [] };
}
