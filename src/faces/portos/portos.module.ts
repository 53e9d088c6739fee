import { Module } from '@nestjs/common';
import type { Wire } from '../../http/wire.js';
import { readPlainJson } from '../../json-api/body.js';
import { SessionsModule } from '../../sessions/sessions.module.js';
import { writeProblem } from './errors.js';
import { PortosController } from './portos.controller.js';

/** How PORTOS is spoken: plain JSON, problem details, and the credential as natively. */
export const PORTOS: Wire = { prefix: '/portos', readBody: readPlainJson, write: writeProblem };

@Module({ imports: [SessionsModule], controllers: [PortosController] })
export class PortosModule {}
