import { Module } from '@nestjs/common';
import { readForm } from '../../http/form-body.js';
import type { Wire } from '../../http/wire.js';
import { KeysModule } from '../../keys/keys.module.js';
import { SessionsModule } from '../../sessions/sessions.module.js';
import { UsersModule } from '../../users/users.module.js';
import { ClerkClientController } from './client.controller.js';
import { leansOnCookie, readCredential } from './credential.js';
import { ClerkEnvironmentController } from './environment.controller.js';
import { writeErrors } from './errors.js';
import { ClerkMeController } from './me.controller.js';
import { Piggyback } from './piggyback.js';
import { ClerkSessionsController } from './sessions.controller.js';
import { ClerkSignInsController } from './sign-ins.controller.js';
import { ClerkVerificationsController } from './verifications.controller.js';

/** How Clerk's Frontend API speaks (CONTRACTS.md 2.1). */
export const CLERK: Wire = {
  prefix: '/clerk',
  readBody: readForm,
  readCredential,
  ambient: leansOnCookie,
  methodParameter: '_method',
  write: writeErrors,
};

@Module({
  imports: [SessionsModule, UsersModule, KeysModule],
  controllers: [
    ClerkSessionsController, // first: tokens are asked for most
    ClerkClientController,
    ClerkVerificationsController,
    ClerkSignInsController,
    ClerkMeController,
    ClerkEnvironmentController,
  ],
  providers: [Piggyback],
})
export class ClerkModule {}
