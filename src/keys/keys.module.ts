import { Module } from '@nestjs/common';
import { JwtTemplatesService } from './jwt-templates.service.js';
import { JwtTemplatesStore } from './jwt-templates.store.js';
import { KeysController } from './keys.controller.js';
import { KeysService } from './keys.service.js';
import { KeysStore } from './keys.store.js';

@Module({
  controllers: [KeysController],
  providers: [KeysService, KeysStore, JwtTemplatesService, JwtTemplatesStore],
  exports: [KeysService, JwtTemplatesService],
})
export class KeysModule {}
