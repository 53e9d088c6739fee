import { Module } from '@nestjs/common';
import { KeysController } from './keys.controller.js';
import { KeysService } from './keys.service.js';
import { KeysStore } from './keys.store.js';

@Module({ controllers: [KeysController], providers: [KeysService, KeysStore], exports: [KeysService] })
export class KeysModule {}
