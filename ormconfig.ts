import { DataSource } from 'typeorm';
import { OneTimePasswords1780000000003 } from './migrations/1780000000003-one-time-passwords.js';
import { Sessions1780000000004 } from './migrations/1780000000004-sessions.js';
import { Attempts1780000000005 } from './migrations/1780000000005-attempts.js';
import { Organizations1780000000006 } from './migrations/1780000000006-organizations.js';
import { Browsers1780000000007 } from './migrations/1780000000007-browsers.js';
import { SessionDetails1780000000008 } from './migrations/1780000000008-session-details.js';
import { Verifications1780000000009 } from './migrations/1780000000009-verifications.js';
import { SignInAttempts1780000000010 } from './migrations/1780000000010-sign-in-attempts.js';
import { JwtTemplates1780000000011 } from './migrations/1780000000011-jwt-templates.js';
import { Events1780000000012 } from './migrations/1780000000012-events.js';
import { WriteMarks1780000000013 } from './migrations/1780000000013-write-marks.js';
import { Growth1780000000015 } from './migrations/1780000000015-growth.js';
import { Retention1780000000014 } from './migrations/1780000000014-retention.js';
import { SigningKeys1780000000002 } from './migrations/1780000000002-signing-keys.js';
import { Users1780000000001 } from './migrations/1780000000001-users.js';
import { WebhookLanes1780000000016 } from './migrations/1780000000016-webhook-lanes.js';
import { dataSourceOptions } from './src/database/data-source.js';
import { RecordedEvent } from './src/events/event.entity.js';
import { WebhookDelivery } from './src/events/webhook-delivery.entity.js';
import { JwtTemplate } from './src/keys/jwt-template.entity.js';
import { SigningKey } from './src/keys/signing-key.entity.js';
import { CodeSendings } from './src/otp/code-sendings.entity.js';
import { OtpEnrollment } from './src/otp/otp-enrollment.entity.js';
import { RecoveryCode } from './src/otp/recovery-code.entity.js';
import { SentCode } from './src/otp/sent-code.entity.js';
import { Browser } from './src/sessions/browser.entity.js';
import { Retention } from './src/sessions/retention.entity.js';
import { Session } from './src/sessions/session.entity.js';
import { SignInAttempt } from './src/sessions/sign-in-attempt.entity.js';
import { Verification } from './src/sessions/verification.entity.js';
import { Membership } from './src/users/membership.entity.js';
import { Organization } from './src/users/organization.entity.js';
import { User } from './src/users/user.entity.js';

/** Every table. */
export const entities = [
  User,
  Organization,
  Membership,
  SigningKey,
  JwtTemplate,
  OtpEnrollment,
  RecoveryCode,
  SentCode,
  CodeSendings,
  Browser,
  Session,
  SignInAttempt,
  Verification,
  Retention,
  RecordedEvent,
  WebhookDelivery,
];

/** Every migration, oldest first. Imported and not globbed, so that dist, tests and the TypeORM CLI read the same. */
export const migrations = [
  Users1780000000001,
  SigningKeys1780000000002,
  OneTimePasswords1780000000003,
  Sessions1780000000004,
  Attempts1780000000005,
  Organizations1780000000006,
  Browsers1780000000007,
  SessionDetails1780000000008,
  Verifications1780000000009,
  SignInAttempts1780000000010,
  JwtTemplates1780000000011,
  Events1780000000012,
  WriteMarks1780000000013,
  Retention1780000000014,
  Growth1780000000015,
  WebhookLanes1780000000016,
];

/** For TypeORM's own command line, on the database of DATABASE_URL. */
export default new DataSource(
  dataSourceOptions(process.env.DATABASE_URL ?? 'postgres://localhost/latchkey', 2, { entities, migrations }),
);
