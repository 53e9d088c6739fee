import type { Resource } from '../json-api/resource.js';
import type { EnrollmentView } from './enrollments.service.js';

/** An enrollment as it is answered: with a picture of the URI beside what the service made. */
type AnsweredEnrollment = EnrollmentView & { readonly qrCode?: string };

/** The wire form of an enrollment; `secret`, `otpauth_uri`, `qr_code` and `recovery_codes` are shown once. */
export const otpEnrollmentResource: Resource<AnsweredEnrollment> = {
  type: 'otp_enrollments',
  id: ({ enrollment }) => enrollment.id,
  attributes: {
    user_id: { read: ({ enrollment }) => Number(enrollment.userId), kind: 'integer' },
    secret: { read: (view) => view.secret ?? null, kind: 'text', nullable: true },
    otpauth_uri: { read: (view) => view.otpauthUri ?? null, kind: 'text', nullable: true },
    qr_code: { read: (view) => view.qrCode ?? null, kind: 'text', nullable: true },
    recovery_codes: { read: (view) => view.recoveryCodes ?? null, kind: 'list', nullable: true },
    recovery_codes_left: { read: (view) => view.recoveryCodesLeft, kind: 'integer', initial: 0 },
    confirmed_at: { read: ({ enrollment }) => enrollment.confirmedAt, kind: 'instant', nullable: true },
    created_at: { read: ({ enrollment }) => enrollment.createdAt, kind: 'instant' },
  },
  relationships: {},
};
