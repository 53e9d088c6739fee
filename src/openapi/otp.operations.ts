import { BothFactors, FactorRemoval, OtpConfirmation, OtpEnrollmentStart } from '../otp/otp.attributes.js';
import { otpEnrollmentResource } from '../otp/otp.resource.js';
import type { Operations } from './operation.js';
import { ref } from './schemas.js';

const one = { resource: otpEnrollmentResource, query: 'one' } as const;
const document = ref('otp_enrollments_document');

const BEGUN = {
  user_id: 7443,
  secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
  otpauth_uri:
    'otpauth://totp/Latchkey:grace%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Latchkey',
  qr_code: 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAALQAAAC0',
  recovery_codes: null,
  recovery_codes_left: 0,
  confirmed_at: null,
  created_at: '2024-04-18T04:02:03.470+00:00',
};
const KEPT = {
  ...BEGUN,
  secret: null,
  otpauth_uri: null,
  qr_code: null,
  recovery_codes_left: 5,
  confirmed_at: '2024-04-18T04:03:11.208+00:00',
};
const CODES = ['qkzvhmwe', 'xgtplbra', 'ncuyodfs', 'wjhekqvm', 'rblztxgp'];

const shown = (attributes: object) => ({ data: { id: '12', type: 'otp_enrollments', attributes }, meta: {} });
const sent = (attributes: object) => ({ data: { type: 'otp_enrollments', attributes } });
const proofs = sent({ password: 'a nanosecond of wire', otp: '277453' });

const OF_PROOFS = [
  { reason: 'wrong_password', attribute: 'password' },
  { reason: 'wrong_code', attribute: 'otp' },
  { reason: 'too_many_codes' },
  { reason: 'too_many_sign_ins' },
  { reason: 'busy' },
] as const;

/** The routes that set up a second factor. Each is for oneself only. */
export const OTP_OPERATIONS: Operations = {
  'POST /api/v2/users/{id}/otp_enrollments': {
    tag: 'One-time passwords',
    summary: 'Begin to set up an authenticator app',
    description: 'It counts only once it is confirmed, within an hour.',
    who: 'signed_in',
    native: one,
    body: {
      shape: OtpEnrollmentStart,
      examples: { password: sent({ password: 'a nanosecond of wire' }) },
    },
    answers: [
      {
        status: 201,
        description: 'The enrollment, with its secret: it is shown here and never again.',
        schema: document,
        examples: { begun: shown(BEGUN) },
        location: 'the enrollment',
      },
    ],
    refusals: [
      { reason: 'two_factor_already_on' },
      { reason: 'client_generated_id', member: 'data/id' },
      { reason: 'wrong_password', attribute: 'password' },
      { reason: 'too_many_sign_ins' },
      { reason: 'busy' },
    ],
  },
  'GET /api/v2/otp_enrollments/{id}': {
    tag: 'One-time passwords',
    summary: 'Read an enrollment',
    who: 'signed_in',
    native: one,
    answers: [
      {
        status: 200,
        description: 'The enrollment; secret and recovery codes are null.',
        schema: document,
        examples: { confirmed: shown(KEPT) },
      },
    ],
  },
  'PUT /api/v2/otp_enrollments/{id}/confirm': {
    tag: 'One-time passwords',
    summary: 'Turn the second factor on',
    description: "By a first code of the app. Ends the user's other browser sessions.",
    who: 'signed_in',
    native: one,
    body: { shape: OtpConfirmation, examples: { code: sent({ otp: '277453' }) } },
    answers: [
      {
        status: 200,
        description: 'The enrollment, with five recovery codes: they are shown here and never again.',
        schema: document,
        examples: { confirmed: shown({ ...KEPT, recovery_codes: CODES }) },
      },
    ],
    refusals: [
      { reason: 'enrollment_expired' },
      { reason: 'two_factor_already_on' },
      { reason: 'wrong_code', attribute: 'otp' },
      { reason: 'too_many_codes' },
    ],
  },
  'POST /api/v2/otp_enrollments/{id}/recovery_codes': {
    tag: 'One-time passwords',
    summary: 'Make new recovery codes',
    description: 'The old ones are good for nothing any more.',
    who: 'signed_in',
    native: one,
    body: { shape: BothFactors, examples: { 'both factors': proofs } },
    answers: [
      {
        status: 200,
        description: 'The enrollment, with five recovery codes: they are shown here and never again.',
        schema: document,
        examples: { renewed: shown({ ...KEPT, recovery_codes: CODES }) },
      },
    ],
    refusals: OF_PROOFS,
  },
  'DELETE /api/v2/otp_enrollments/{id}': {
    tag: 'One-time passwords',
    summary: 'Turn the second factor off',
    description:
      "Ends the user's other browser sessions. An enrollment that was never confirmed is given up by the password alone.",
    who: 'signed_in',
    native: one,
    body: { shape: FactorRemoval, examples: { 'both factors': proofs } },
    answers: [{ status: 204, description: 'The second factor is off.' }],
    refusals: [{ reason: 'blank', attribute: 'otp' }, ...OF_PROOFS, { reason: 'conflict' }],
  },
};
