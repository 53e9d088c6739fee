import { Module } from '@nestjs/common';
import { SessionsModule } from '../../sessions/sessions.module.js';
import { ZitadelController } from './zitadel.controller.js';

@Module({ imports: [SessionsModule], controllers: [ZitadelController] })
export class ZitadelModule {}
