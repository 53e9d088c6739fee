import { Module } from '@nestjs/common';
import { UsersModule } from '../users/users.module.js';
import { CodesService } from './codes.service.js';
import { EnrollmentsService } from './enrollments.service.js';
import { OtpController } from './otp.controller.js';
import { OtpService } from './otp.service.js';
import { OtpStore } from './otp.store.js';
import { SentCodesStore } from './sent-codes.store.js';

@Module({
  imports: [UsersModule],
  controllers: [OtpController],
  providers: [EnrollmentsService, OtpService, OtpStore, CodesService, SentCodesStore],
  exports: [EnrollmentsService, OtpService, CodesService],
})
export class OtpModule {}
