import { Global, Module } from '@nestjs/common';
import { AuditLog } from './audit-log.js';
import { EventsStore } from './events.store.js';

/** What happened. Global, since whoever acts writes it down. */
@Global()
@Module({ providers: [AuditLog, EventsStore], exports: [AuditLog] })
export class EventsModule {}
