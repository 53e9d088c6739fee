import { DataSource } from 'typeorm';
import { OneTimePasswords1780000000003 } from './migrations/1780000000003-one-time-passwords.js';
import { Sessions1780000000004 } from './migrations/1780000000004-sessions.js';
import { Attempts1780000000005 } from './migrations/1780000000005-attempts.js';
import { SigningKeys1780000000002 } from './migrations/1780000000002-signing-keys.js';
import { Users1780000000001 } from './migrations/1780000000001-users.js';
import { dataSourceOptions } from './src/database/data-source.js';
import { SigningKey } from './src/keys/signing-key.entity.js';
import { OtpEnrollment } from './src/otp/otp-enrollment.entity.js';
import { RecoveryCode } from './src/otp/recovery-code.entity.js';
import { Session } from './src/sessions/session.entity.js';
import { User } from './src/users/user.entity.js';

/** Every table. */
export const entities = [User, SigningKey, OtpEnrollment, RecoveryCode, Session];

/** Every migration, oldest first. Imported and not globbed, so that dist, tests and the TypeORM CLI read the same. */
export const migrations = [
  Users1780000000001,
  SigningKeys1780000000002,
  OneTimePasswords1780000000003,
  Sessions1780000000004,
  Attempts1780000000005,
];

/** For TypeORM's own command line, on the database of DATABASE_URL. */
export default new DataSource(
  dataSourceOptions(process.env.DATABASE_URL ?? 'postgres://localhost/latchkey', 2, { entities, migrations }),
);
