import { Module } from '@nestjs/common';
import { KeysModule } from '../keys/keys.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { MachineTokensController } from './machine-tokens.controller.js';
import { MachineTokensService } from './machine-tokens.service.js';

@Module({
  imports: [SessionsModule, KeysModule],
  controllers: [MachineTokensController],
  providers: [MachineTokensService],
  exports: [MachineTokensService],
})
export class MachineTokensModule {}
