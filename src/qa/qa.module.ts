import { Module } from '@nestjs/common';
import { Clock } from '../clock.js';
import type { Wire } from '../http/wire.js';
import { readPlainJson } from '../json-api/body.js';
import { writeErrors } from '../json-api/errors.js';
import { MachineTokensModule } from '../machine-tokens/machine-tokens.module.js';
import { OtpModule } from '../otp/otp.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { FixturesService } from './fixtures.service.js';
import { People } from './people.js';
import { QaClock } from './qa-clock.js';
import { QaController } from './qa.controller.js';

/** How `/qa` is spoken: plain JSON; it refuses in the words of the native API. */
export const QA: Wire = { prefix: '/qa', readBody: readPlainJson, write: writeErrors };

/** What tests do from outside. Needs a `QaClock` in the place of the `Clock`, and an `Outbox`, from a global module. */
@Module({
  imports: [UsersModule, OtpModule, SessionsModule, MachineTokensModule],
  controllers: [QaController],
  providers: [FixturesService, People, { provide: QaClock, useExisting: Clock }],
})
export class QaModule {}
