import { CodeRequest, VerificationAttempt, VerificationStart } from '../sessions/verification.attributes.js';
import { verificationResource } from '../sessions/verification.resource.js';
import type { Operations } from './operation.js';
import { ref } from './schemas.js';

const one = { resource: verificationResource, query: 'one' } as const;
const document = ref('verifications_document');

const OPEN = {
  session_id: 51,
  level: 'multi_factor',
  status: 'needs_first_factor',
  strategies: ['password', 'email_code'],
  first_factor_verified_at: null,
  second_factor_verified_at: null,
  expires_at: '2024-04-18T04:12:03.470+00:00',
  created_at: '2024-04-18T04:02:03.470+00:00',
};
const HALF = {
  ...OPEN,
  status: 'needs_second_factor',
  strategies: ['totp', 'recovery_code'],
  first_factor_verified_at: '2024-04-18T04:02:31.002+00:00',
};

const shown = (attributes: object) => ({
  data: {
    id: '12',
    type: 'verifications',
    attributes,
    relationships: { session: { meta: { included: false } } },
  },
  meta: {},
});
const sent = (attributes: object) => ({ data: { type: 'verifications', attributes } });

const OF_STEP = [
  { reason: 'verification_over' },
  { reason: 'verification_out_of_order' },
  { reason: 'strategy_unavailable', attribute: 'strategy' },
] as const;
const OF_SENDING = [{ reason: 'too_many_codes_sent' }, { reason: 'channel_unavailable' }] as const;

/** The routes of step-up. Each is for sessions of oneself only. */
export const VERIFICATION_OPERATIONS: Operations = {
  'POST /api/v2/sessions/{id}/verifications': {
    tag: 'Step-up',
    summary: 'Begin to prove oneself once more',
    description:
      'In a browser session of one’s own, within ten minutes; replaces the verification that was open. Whoever has no second factor proves the first, and `level` says so. With a strategy, a code is sent at once.',
    who: 'interactive',
    native: one,
    body: {
      shape: VerificationStart,
      examples: {
        'both factors': sent({ level: 'multi_factor' }),
        'a code by mail': sent({ level: 'first_factor', strategy: 'email_code' }),
      },
    },
    answers: [
      {
        status: 201,
        description: 'The verification.',
        schema: document,
        examples: { begun: shown(OPEN) },
        location: 'the verification',
      },
    ],
    refusals: [
      { reason: 'client_generated_id', member: 'data/id' },
      { reason: 'strategy_unavailable', attribute: 'strategy' },
      ...OF_SENDING,
    ],
  },
  'GET /api/v2/verifications/{id}': {
    tag: 'Step-up',
    summary: 'Read a verification',
    who: 'signed_in',
    native: one,
    answers: [
      { status: 200, description: 'The verification.', schema: document, examples: { open: shown(OPEN) } },
    ],
  },
  'POST /api/v2/verifications/{id}/codes': {
    tag: 'Step-up',
    summary: 'Send a code',
    description:
      'Of six digits, good once, for ten minutes, and for this verification; the one sent before by this channel is good for nothing any more.',
    who: 'interactive',
    native: one,
    body: { shape: CodeRequest, examples: { 'by mail': sent({ strategy: 'email_code' }) } },
    answers: [
      { status: 200, description: 'The verification.', schema: document, examples: { open: shown(OPEN) } },
    ],
    refusals: [...OF_STEP, ...OF_SENDING],
  },
  'POST /api/v2/verifications/{id}/attempts': {
    tag: 'Step-up',
    summary: 'Prove a factor',
    description:
      'By a password, or by the code of another strategy. The session then bears the moment of the proof. The fifth wrong one ends the verification.',
    who: 'interactive',
    native: one,
    body: {
      shape: VerificationAttempt,
      examples: {
        'a password': sent({ strategy: 'password', password: 'a nanosecond of wire' }),
        'a code': sent({ strategy: 'totp', code: '277453' }),
      },
    },
    answers: [
      {
        status: 200,
        description: 'The verification: complete, or at its next step.',
        schema: document,
        examples: { 'half way': shown(HALF) },
      },
    ],
    refusals: [
      ...OF_STEP,
      { reason: 'code_not_sent' },
      { reason: 'wrong_code', attribute: 'code' },
      { reason: 'wrong_password', attribute: 'password' },
      { reason: 'too_many_codes' },
      { reason: 'too_many_sign_ins' },
      { reason: 'busy' },
    ],
  },
};
