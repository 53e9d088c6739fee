import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { randomInt } from 'node:crypto';
import { Clock } from '../clock.js';
import type { DeliveryLog } from '../delivery/retries.js';
import type { Verdict, Webhook } from './webhook.js';
import type { ClaimedEvent, WebhooksStore } from './webhooks.store.js';

const LOOKED_FOR_EVERY_MILLISECONDS = 1_000;
/**
 * Deliveries that one process has under way, of acts that were done and of refusals: strangers can have as much refused
 * as they like, and no act waits behind that. Nor do refusals behind acts.
 */
const AT_ONCE = { done: 6, refused: 4 };
const TRY_SECONDS = 15;
/** Whoever took on a delivery and died of it keeps it from others so long. */
const LEASE_SECONDS = 60;
/** Waits before each further try, then two hours each time: three days in all. A tenth more at random. */
const PAUSES_SECONDS: readonly number[] = [5, 30, 120, 600, 1_800, 3_600];
const LAST_PAUSE_SECONDS = 7_200;
const MOST_TRIES = 42;

/**
 * Delivers events to the webhook, at least once each, in no particular order. They wait in the database since they
 * happened, so that none is lost; every process takes its share.
 */
export class Webhooks implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stopping = new AbortController();
  private readonly lanes = [new Lane(false, AT_ONCE.done), new Lane(true, AT_ONCE.refused)];
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param webhook null when none is configured: then nothing is delivered
   * @param clock of its own: receivers hold the time against theirs, also while ours is set by QA_MODE
   */
  constructor(
    private readonly store: WebhooksStore,
    private readonly webhook: Webhook | null,
    private readonly log: DeliveryLog,
    private readonly clock: Clock = new Clock(),
    private readonly trySeconds: number = TRY_SECONDS,
  ) {}

  /** Nest's hook: from now on deliveries are looked for once a second. */
  onApplicationBootstrap(): void {
    if (this.webhook === null) return;
    const look = () => this.lanes.forEach((lane) => this.look(lane));
    this.timer = setInterval(look, LOOKED_FOR_EVERY_MILLISECONDS).unref();
  }

  /** Nest's hook: what is under way is broken off, and left to others at once. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stopping.abort();
    for (const { looking } of this.lanes) await looking;
    await Promise.all(this.lanes.flatMap(({ underWay }) => [...underWay]));
  }

  /** Takes on as many deliveries of a lane as there is room for, one look at a time. */
  private look(lane: Lane): void {
    if (this.webhook === null || lane.looking !== null || this.stopping.signal.aborted) return;
    const free = lane.atOnce - lane.underWay.size;
    if (free === 0) return;
    lane.looking = this.takeOn(this.webhook, lane, free)
      .catch(() => undefined) // the database is away: the next look will tell
      .finally(() => (lane.looking = null));
  }

  private async takeOn(webhook: Webhook, lane: Lane, most: number): Promise<void> {
    const [now, until] = [this.clock.now(), this.inSeconds(LEASE_SECONDS)];
    const claimed = await this.store.claim(lane.refused, now, until, most);
    for (const event of claimed) {
      const delivery = this.deliver(webhook, event)
        .catch(() => undefined) // nor can it be noted what became of it: once the lease is over it is tried again
        .finally(() => {
          lane.underWay.delete(delivery);
          if (claimed.length === most) this.look(lane); // there is more
        });
      lane.underWay.add(delivery);
    }
  }

  private async deliver(webhook: Webhook, event: ClaimedEvent): Promise<void> {
    const verdict = await this.tryOnce(webhook, event);
    if (this.stopping.signal.aborted && verdict === 'later')
      return this.store.postpone(event, this.clock.now());
    if (verdict === 'later' && event.attempts < MOST_TRIES) {
      return this.store.postpone(event, this.inSeconds(pauseAfter(event.attempts)));
    }
    if (verdict !== 'taken') {
      const { id: eventId, action, attempts } = event;
      this.log.warn({ eventId, action, attempts }, 'event not delivered to the webhook: given up');
    }
    await this.store.remove(event);
  }

  private async tryOnce(webhook: Webhook, event: ClaimedEvent): Promise<Verdict> {
    const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(this.trySeconds * 1000)]);
    try {
      return await webhook.post(event, this.clock.seconds(), signal);
    } catch {
      return 'later';
    }
  }

  private inSeconds(seconds: number): Date {
    return new Date(this.clock.milliseconds() + seconds * 1000);
  }
}

/** A line of deliveries, and those of it that are under way. */
class Lane {
  readonly underWay = new Set<Promise<void>>();
  looking: Promise<void> | null = null;

  constructor(
    readonly refused: boolean,
    readonly atOnce: number,
  ) {}
}

function pauseAfter(attempts: number): number {
  const seconds = PAUSES_SECONDS[attempts - 1] ?? LAST_PAUSE_SECONDS;
  return seconds * (1 + randomInt(100) / 1000);
}
