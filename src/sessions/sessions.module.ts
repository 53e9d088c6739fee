import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { PassportModule } from '@nestjs/passport';
import { HttpModule } from '../http/http.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { OtpModule } from '../otp/otp.module.js';
import { UsersModule } from '../users/users.module.js';
import { Activity } from './activity.js';
import { BrowsersService } from './browsers.service.js';
import { BrowsersStore } from './browsers.store.js';
import { ComposedSessionsService } from './composed-sessions.service.js';
import { ComposedSessionsStore } from './composed-sessions.store.js';
import { ComposingService } from './composing.service.js';
import { LiveSessions } from './live-sessions.js';
import { LiveSessionsStore } from './live-sessions.store.js';
import { OpeningsStore } from './openings.store.js';
import { Origins } from './origin.js';
import { PasswordStrategy } from './password.strategy.js';
import { RenewalsController } from './renewals.controller.js';
import { RenewalsService } from './renewals.service.js';
import { RenewalsStore } from './renewals.store.js';
import { RetentionService } from './retention.service.js';
import { RetentionStore } from './retention.store.js';
import { SecondFactorsService } from './second-factors.service.js';
import { SessionGuard } from './session.guard.js';
import { SessionsController } from './sessions.controller.js';
import { SessionsService } from './sessions.service.js';
import { SessionsStore } from './sessions.store.js';
import { SignInAttemptsService } from './sign-in-attempts.service.js';
import { SignInAttemptsStore } from './sign-in-attempts.store.js';
import { SignInsService } from './sign-ins.service.js';
import { SweepsStore } from './sweeps.store.js';
import { VerificationsController } from './verifications.controller.js';
import { VerificationsService } from './verifications.service.js';
import { VerificationsStore } from './verifications.store.js';
import { TokenJwts } from './token-jwts.js';
import { WriteMarks } from './write-marks.js';
import { WriteMarksStore } from './write-marks.store.js';

@Module({
  imports: [HttpModule, PassportModule, UsersModule, KeysModule, OtpModule],
  controllers: [SessionsController, VerificationsController, RenewalsController],
  providers: [
    SessionsService,
    SignInsService,
    SecondFactorsService,
    BrowsersService,
    BrowsersStore,
    SignInAttemptsService,
    SignInAttemptsStore,
    SessionsStore,
    OpeningsStore,
    SweepsStore,
    LiveSessions,
    LiveSessionsStore,
    VerificationsService,
    VerificationsStore,
    RenewalsService,
    RenewalsStore,
    RetentionService,
    RetentionStore,
    ComposedSessionsService,
    ComposingService,
    ComposedSessionsStore,
    TokenJwts,
    Activity,
    Origins,
    WriteMarks,
    WriteMarksStore,
    PasswordStrategy,
    { provide: APP_GUARD, useClass: SessionGuard },
  ],
  exports: [
    ComposedSessionsService,
    ComposingService,
    SessionsService,
    SignInsService,
    SecondFactorsService,
    BrowsersService,
    SignInAttemptsService,
    VerificationsService,
    RenewalsService,
    TokenJwts,
    Origins,
    Activity,
    LiveSessions,
  ],
})
export class SessionsModule {}
