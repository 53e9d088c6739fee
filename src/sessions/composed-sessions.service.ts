import { Injectable } from '@nestjs/common';
import { may } from '../caller.js';
import { Clock } from '../clock.js';
import { Config } from '../config.js';
import { BroadLists } from '../database/broad-lists.js';
import { doneBy } from '../events/audit-event.js';
import { AuditLog } from '../events/audit-log.js';
import type { Page, Slice } from '../page.js';
import { Refusal } from '../refusal.js';
import { hashToken } from '../secrets.js';
import { Activity } from './activity.js';
import { ComposedSessionsStore, type ComposedSession } from './composed-sessions.store.js';
import { maySee, shownTo, whyNotEnd, whyOver } from './composing-rights.js';
import type { Outline, OutlinedSession, SessionColumn, UserColumn } from './session.columns.js';
import { SessionsStore } from './sessions.store.js';
import type { SignedInCaller } from './signed-in.js';

/** Sessions as those see them who open some for others: pending ones too, and whether or not they name anybody yet. */
@Injectable()
export class ComposedSessionsService {
  constructor(
    private readonly store: ComposedSessionsStore,
    private readonly sessions: SessionsStore,
    private readonly broad: BroadLists,
    private readonly activity: Activity,
    private readonly clock: Clock,
    private readonly config: Config,
    private readonly audit: AuditLog,
  ) {}

  /**
   * A session that is live, or pending and opened by the caller.
   * @param sessionToken lets whoever has it see the session; a wrong one keeps everyone from it
   * @returns with its user only for those who may know who that is: oneself, and holders of `user.read`
   * @throws Refusal not_found for an unknown, ended or foreign session; forbidden at `session_token`
   */
  async read(caller: SignedInCaller, id: string, sessionToken?: string): Promise<ComposedSession> {
    const session = await this.store.find(id);
    if (session === null || this.isOver(session)) throw new Refusal('not_found');
    const visible = maySee(caller, session);
    if (sessionToken === undefined && !visible) throw new Refusal('not_found');
    if (sessionToken !== undefined && !opens(sessionToken, session)) {
      throw visible ? new Refusal('forbidden', { attribute: 'session_token' }) : new Refusal('not_found');
    }
    if (session.status === 'pending_otp' && !visible) throw new Refusal('not_found');
    return shownTo(caller, session);
  }

  /**
   * The sessions that the caller may see, each as in `read`; `total` counts none but those.
   * @param outline what is shown of each of them
   */
  async list<S extends SessionColumn, U extends UserColumn>(
    caller: SignedInCaller,
    page: Page,
    outline: Outline<S, U>,
  ): Promise<Slice<OutlinedSession<S, U>>> {
    const scope = { userId: caller.user.id, everyone: may(caller, 'session.read') };
    const now = this.clock.now();
    const openedAfter = this.activity.pendingSince(now);
    const known = may(caller, 'user.read') ? null : caller.user; // who others are is shown to nobody else
    const list = () => this.store.list(page, scope, outline, known, now, openedAfter, caller.mark);
    const slice = await (scope.everyone ? this.broad.run(page, list) : list());
    return { ...slice, rows: slice.rows.map((session) => shownTo(caller, session)) };
  }

  /**
   * Ends a session, if it is there for the caller: one's own, one of one's opening, with `session.delete` anybody's,
   * or by its token.
   * @returns the session as it is then; null when there was nothing to end
   * @throws Refusal forbidden for one that may be seen and not ended; forbidden at `session_token`
   */
  async end(caller: SignedInCaller, id: string, sessionToken?: string): Promise<ComposedSession | null> {
    const session = await this.store.find(id);
    if (session === null || this.isOver(session)) return null;
    const whose = { sessionId: id, userId: session.userId ?? undefined };
    const about = { action: 'session.end', ...whose, ...doneBy(caller) } as const;
    const refusal = whyNotEnd(
      caller,
      session,
      sessionToken === undefined ? null : opens(sessionToken, session),
    );
    if (refusal !== null) {
      if (!maySee(caller, session)) return null;
      this.audit.record({ ...about, outcome: 'refused', reason: refusal.reason });
      throw refusal;
    }
    const now = this.clock.now();
    const own = id === caller.session.id || sessionToken !== undefined;
    return this.audit.accounted(async (manager, note) => {
      const pending = session.status === 'pending_otp' && (await this.sessions.endPending(manager, id, now));
      // One that was pending may have been proved meanwhile: whoever may end it then may end it now.
      const ended =
        pending || (await this.sessions.end(manager, id, 'everyone', own ? 'ended' : 'revoked', now));
      if (ended !== null) note({ ...about, outcome: 'ok' });
      return ended;
    });
  }

  private isOver(session: ComposedSession): boolean {
    return whyOver(session, this.clock.now(), this.config.get('OTP_WINDOW_SECONDS')) !== null;
  }
}

function opens(sessionToken: string, session: ComposedSession): boolean {
  return hashToken(sessionToken).equals(session.tokenHash);
}
