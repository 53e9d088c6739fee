import { Global, Module } from '@nestjs/common';
import { AuditLog } from './audit-log.js';
import { EventsController } from './events.controller.js';
import { EventsService } from './events.service.js';
import { EventsStore } from './events.store.js';

/** What happened. Global, since whoever acts writes it down. */
@Global()
@Module({
  controllers: [EventsController],
  providers: [AuditLog, EventsService, EventsStore],
  exports: [AuditLog],
})
export class EventsModule {}
