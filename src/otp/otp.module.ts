import { Module } from '@nestjs/common';
import { UsersModule } from '../users/users.module.js';
import { OtpController } from './otp.controller.js';
import { OtpService } from './otp.service.js';
import { OtpStore } from './otp.store.js';

@Module({
  imports: [UsersModule],
  controllers: [OtpController],
  providers: [OtpService, OtpStore],
  exports: [OtpService],
})
export class OtpModule {}
