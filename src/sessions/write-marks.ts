import { Injectable, type ExecutionContext } from '@nestjs/common';
import type { Response } from 'express';
import { Coalescing } from '../coalescing.js';
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
  // Acts of one session that end while a statement runs share the next one.
  private readonly ofSessions = new Coalescing((id: string) => this.store.raise(id));
  private readonly ofBrowsers = new Coalescing((id: string) => this.store.raiseHeld(id));

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
    return 'sessionId' in actor ? this.ofSessions.run(actor.sessionId) : this.ofBrowsers.run(actor.browserId);
  }
}
