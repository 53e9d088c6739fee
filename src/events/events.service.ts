import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { may, type Caller } from '../caller.js';
import { DAY_MILLISECONDS } from '../clock.js';
import { Config } from '../config.js';
import { BroadLists } from '../database/broad-lists.js';
import type { Page, Slice } from '../page.js';
import { Refusal } from '../refusal.js';
import { doneBy } from './audit-event.js';
import { AuditLog } from './audit-log.js';
import type { RecordedEvent } from './event.entity.js';
import { EventsStore } from './events.store.js';

/** What happened, for whoever has to account for it (holders of `event.read`), and for how long. */
@Injectable()
export class EventsService {
  constructor(
    private readonly store: EventsStore,
    private readonly broad: BroadLists,
    private readonly audit: AuditLog,
    private readonly config: Config,
  ) {}

  /**
   * The events that the page keeps. What this process has recorded is among them; of refusals and JWTs of other
   * processes the last second may be missing, and more of it from a replica.
   * @throws Refusal forbidden without `event.read`; too_broad, busy
   */
  async list(caller: Caller, page: Page): Promise<Slice<RecordedEvent>> {
    if (!may(caller, 'event.read')) {
      const about = { userId: caller.user.id, sessionId: caller.session.id, ...doneBy(caller) };
      this.audit.record({ action: 'request', ...about, outcome: 'refused', reason: 'forbidden' });
      throw new Refusal('forbidden');
    }
    await this.audit.flush();
    return this.broad.run(page, () => this.store.list(page, caller.mark));
  }

  /** @throws Refusal not_found for an unknown event, and for any without `event.read` */
  async read(caller: Caller, id: string): Promise<RecordedEvent> {
    const event = may(caller, 'event.read') ? await this.store.find(id) : null;
    if (event === null) throw new Refusal('not_found');
    return event;
  }

  /** Removes some of the events that were older than EVENT_RETENTION_DAYS then. @returns how many, at most so many */
  removeOld(manager: EntityManager, now: Date, most: number): Promise<number> {
    const kept = this.config.get('EVENT_RETENTION_DAYS') * DAY_MILLISECONDS;
    return this.store.removeOld(manager, new Date(now.getTime() - kept), most);
  }
}
