import { Module } from '@nestjs/common';
import type { Wire } from '../../http/wire.js';
import { readPlainJson } from '../../json-api/body.js';
import { SessionsModule } from '../../sessions/sessions.module.js';
import { writeStatus } from './errors.js';
import { ZitadelController } from './zitadel.controller.js';

/** How ZITADEL's Session API is spoken: plain JSON, grpc-gateway's refusals, and the credential as natively. */
export const ZITADEL: Wire = { prefix: '/zitadel', readBody: readPlainJson, write: writeStatus };

@Module({ imports: [SessionsModule], controllers: [ZitadelController] })
export class ZitadelModule {}
