import { Global, Module } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Config } from '../config.js';
import { HttpModule } from '../http/http.module.js';
import { AuditLog } from './audit-log.js';
import { EventsController } from './events.controller.js';
import { EventsService } from './events.service.js';
import { EventsStore } from './events.store.js';
import { Webhook } from './webhook.js';
import { Webhooks } from './webhooks.service.js';
import { WebhooksStore } from './webhooks.store.js';

/** What happened. Global, since whoever acts writes it down. */
@Global()
@Module({
  imports: [HttpModule],
  controllers: [EventsController],
  providers: [
    AuditLog,
    EventsService,
    EventsStore,
    WebhooksStore,
    { provide: Webhooks, useFactory: webhooksOf, inject: [WebhooksStore, Config, PinoLogger] },
  ],
  exports: [AuditLog, EventsService],
})
export class EventsModule {}

function webhooksOf(store: WebhooksStore, { values }: Config, log: PinoLogger): Webhooks {
  const { WEBHOOK_URL: url, WEBHOOK_SECRET: secret } = values;
  return new Webhooks(store, url && secret ? new Webhook(url, secret) : null, log);
}
