import type { Problem } from '../refusal.js';
import { CLERK_EXAMPLES } from './clerk.examples.js';
import { OF_CHANGE, OF_PASSWORD, OF_SESSION, proofForm, told } from './clerk.operation.js';
import { wrapped } from './clerk.schemas.js';
import type { Operations } from './operation.js';
import { ref } from './schemas.js';

const TEXT = { type: 'string' };
const SESSION = wrapped(ref('clerk_session'));
const REVERIFICATION = wrapped(ref('clerk_session_reverification'));
const CLIENT = wrapped({ anyOf: [ref('clerk_client'), { type: 'null' }] });

const OF_STEP: readonly Problem[] = [
  { reason: 'blank', attribute: 'strategy' },
  { reason: 'invalid', attribute: 'strategy' },
  { reason: 'strategy_unavailable' },
  { reason: 'verification_missing' },
  { reason: 'verification_out_of_order' },
  { reason: 'verification_over' },
];
const OF_SENDING: readonly Problem[] = [
  ...OF_STEP,
  { reason: 'too_many_codes_sent' },
  { reason: 'channel_unavailable' },
];
const OF_CODE: readonly Problem[] = [
  ...OF_STEP,
  { reason: 'code_not_sent' },
  { reason: 'wrong_code', attribute: 'code' },
  { reason: 'too_many_codes' },
];

const CLIENT_SESSIONS = '/clerk/v1/client/sessions';
const ONE = `${CLIENT_SESSIONS}/{session_id}`;

/** Clerk's documented routes (clerk.txt). */
export const CLERK_SESSION_OPERATIONS: Operations = {
  [`DELETE ${CLIENT_SESSIONS}`]: told(
    "Remove client's sessions",
    CLIENT,
    { 'the empty client': CLERK_EXAMPLES.emptied },
    {
      who: 'any_browser',
      description: 'The `__client` cookie stays.',
      refusals: [...OF_CHANGE, { reason: 'unauthenticated' }, ...OF_SESSION],
    },
  ),
  [`GET ${ONE}`]: told('Get Session', SESSION, { session: CLERK_EXAMPLES.session }, { refusals: OF_SESSION }),
  [`POST ${ONE}/touch`]: told(
    'Touch session',
    SESSION,
    { session: CLERK_EXAMPLES.session },
    {
      description:
        'It is the one that was used last, and acts for the named organisation; for none when empty.',
      form: {
        fields: {
          active_organization_id: { ...TEXT, description: 'The id or slug.' },
          intent: { enum: ['focus', 'select_session', 'select_org'] },
        },
        example: { active_organization_id: 'acme' },
      },
      refusals: [
        ...OF_SESSION,
        { reason: 'organization_unknown' },
        { reason: 'invalid', attribute: 'intent' },
      ],
    },
  ),
  [`POST ${ONE}/end`]: told(
    'End Session',
    SESSION,
    { session: CLERK_EXAMPLES.ended },
    {
      description: 'It stays in the list of the client.',
      refusals: [...OF_CHANGE, ...OF_SESSION, { reason: 'session_over' }],
    },
  ),
  [`POST ${ONE}/remove`]: told(
    'Remove Session',
    SESSION,
    { session: CLERK_EXAMPLES.removed },
    {
      description: 'It is gone from the list of the client.',
      refusals: [...OF_CHANGE, ...OF_SESSION, { reason: 'session_over' }],
    },
  ),
  [`POST ${ONE}/tokens`]: told(
    'Create Session Token',
    ref('clerk_token'),
    { token: CLERK_EXAMPLES.token },
    {
      readOnlyToo: true,
      description: 'A JWT of 60 seconds, RS256, version 2; with the organisation that the session acts for.',
      form: {
        fields: { organization_id: { ...TEXT, description: 'Of this one instead; of none when empty.' } },
        example: { organization_id: 'acme' },
      },
      refusals: [...OF_SESSION, { reason: 'organization_unknown' }],
    },
  ),
  [`POST ${ONE}/tokens/{template_name}`]: told(
    'Create Session Token With JWT Template',
    ref('clerk_token'),
    { token: CLERK_EXAMPLES.token },
    { readOnlyToo: true, refusals: [...OF_CHANGE, ...OF_SESSION, { reason: 'conflict' }] },
  ),
  [`POST ${ONE}/verify`]: told(
    'Start a new session reverification',
    REVERIFICATION,
    { reverification: CLERK_EXAMPLES.started },
    {
      form: {
        fields: { level: { enum: ['first_factor', 'second_factor', 'multi_factor'] } },
        required: ['level'],
        example: { level: 'first_factor' },
      },
      refusals: [
        { reason: 'blank', attribute: 'level' },
        { reason: 'invalid', attribute: 'level' },
      ],
    },
  ),
  [`POST ${ONE}/verify/prepare_first_factor`]: told(
    'Prepare session reverification first factor',
    REVERIFICATION,
    { reverification: CLERK_EXAMPLES.prepared },
    {
      description: 'Sends a code.',
      form: {
        fields: {
          strategy: { enum: ['email_code', 'phone_code'] },
          email_address_id: TEXT,
          phone_number_id: TEXT,
        },
        required: ['strategy'],
        example: { strategy: 'email_code' },
      },
      refusals: OF_SENDING,
    },
  ),
  [`POST ${ONE}/verify/attempt_first_factor`]: told(
    'Attempt session reverification first factor',
    REVERIFICATION,
    { reverification: CLERK_EXAMPLES.proved },
    {
      form: proofForm(['email_code', 'password', 'phone_code'], ['code', 'password'], {
        strategy: 'email_code',
        code: '277453',
      }),
      refusals: [...OF_CODE, ...OF_PASSWORD],
    },
  ),
  [`POST ${ONE}/verify/prepare_second_factor`]: told(
    'Prepare session reverification second factor',
    REVERIFICATION,
    { reverification: CLERK_EXAMPLES.preparedSecond },
    {
      description: 'Sends a code.',
      form: {
        fields: { strategy: { const: 'phone_code' }, phone_number_id: TEXT },
        example: { strategy: 'phone_code' },
      },
      refusals: OF_SENDING,
    },
  ),
  [`POST ${ONE}/verify/attempt_second_factor`]: told(
    'Attempt session reverification second factor',
    REVERIFICATION,
    { reverification: CLERK_EXAMPLES.provedSecond },
    {
      form: proofForm(['phone_code', 'totp', 'backup_code'], ['code'], { strategy: 'totp', code: '277453' }),
      refusals: OF_CODE,
    },
  ),
};
