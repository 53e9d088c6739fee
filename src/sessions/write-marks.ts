import { Injectable, type ExecutionContext } from '@nestjs/common';
import type { Response } from 'express';
import { Replica } from '../database/replica.js';
import { FailureFilter } from '../http/failure.filter.js';
import { holdAnswer } from '../http/held-answer.js';
import { WriteMarksStore } from './write-marks.store.js';

/** Whose act a request is. */
type Actor = { readonly sessionId: string } | { readonly browserId: string };

/**
 * Marks sessions by what was done in them: after everything that a request did is committed, and before it is answered,
 * the mark of its session rises. So whoever lists next finds it on the primary, and the list comes from a replica only
 * once that shows the mark too. Without a replica nothing is written.
 */
@Injectable()
export class WriteMarks {
  private readonly running = new Map<string, Promise<void>>();
  private readonly next = new Map<string, Promise<void>>();

  constructor(
    private readonly store: WriteMarksStore,
    private readonly replica: Replica,
    private readonly failures: FailureFilter,
  ) {}

  /** Keeps the answer to a request that may change something back until it is marked; unavailable when it cannot be. */
  holdAnswer(context: ExecutionContext, actor: Actor): void {
    if (!this.replica.isConfigured) return;
    holdAnswer(
      context.switchToHttp().getResponse<Response>(),
      () => this.raise(actor),
      (error) => this.failures.catch(error, context),
    );
  }

  private raise(actor: Actor): Promise<void> {
    return 'sessionId' in actor
      ? this.once(`session ${actor.sessionId}`, () => this.store.raise(actor.sessionId))
      : this.once(`browser ${actor.browserId}`, () => this.store.raiseHeld(actor.browserId));
  }

  /** One statement at a time: acts of one session that end while it runs share the next one. */
  private once(key: string, write: () => Promise<void>): Promise<void> {
    const waiting = this.next.get(key);
    if (waiting !== undefined) return waiting;
    const before = this.running.get(key) ?? Promise.resolve();
    const next = before.then(() => this.run(key, write));
    this.next.set(key, next);
    return next;
  }

  private async run(key: string, write: () => Promise<void>): Promise<void> {
    this.next.delete(key);
    const written = write();
    const over = written.catch(() => undefined);
    this.running.set(key, over);
    await over;
    if (this.running.get(key) === over) this.running.delete(key);
    await written;
  }
}
