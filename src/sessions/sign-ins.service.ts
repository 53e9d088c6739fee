import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { OPERATOR } from '../caller.js';
import { Clock } from '../clock.js';
import { doneBy, type AuditEvent } from '../events/audit-event.js';
import { AuditLog } from '../events/audit-log.js';
import { Refusal } from '../refusal.js';
import { hashToken, mintToken } from '../secrets.js';
import { PasswordCheck } from '../users/password-check.js';
import type { User } from '../users/user.entity.js';
import { Activity } from './activity.js';
import { OpeningsStore, type SessionRow } from './openings.store.js';
import type { Origin } from './origin.js';
import { SecondFactorsService } from './second-factors.service.js';
import { FRESH_SECONDS, type Session } from './session.entity.js';
import { SessionsStore } from './sessions.store.js';
import { SignedInCaller } from './signed-in.js';

/** What a session is opened with beside the proof; what is left out is null. */
export interface SignInDraft {
  readonly name?: string | null;
  readonly note?: string | null;
  readonly deviceName?: string | null;
  readonly environment?: string | null;
  readonly metadata?: Record<string, string>;
  /** A fixed life instead of a sliding one. */
  readonly lifetimeSeconds?: number | null;
  /** Whether it can be renewed with a token of its own. */
  readonly refreshable?: boolean;
}

/** What a machine session is opened with. */
export interface MachineSessionDraft {
  readonly name: string;
  readonly note: string | null;
  readonly readOnly: boolean;
  /** Null means never. */
  readonly expiresAt: Date | null;
}

/** How sessions come to be: by password, and for a machine. */
@Injectable()
export class SignInsService {
  constructor(
    private readonly store: SessionsStore,
    private readonly openings: OpeningsStore,
    private readonly passwordCheck: PasswordCheck,
    private readonly secondFactors: SecondFactorsService,
    private readonly activity: Activity,
    private readonly clock: Clock,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Opens a session for an e-mail address and a password; pending when a second factor is owed.
   * @returns the session with its token (and its refresh token), shown here and never again; null when the
   *   credentials are wrong
   * @throws Refusal user_closed, too_many_sign_ins, busy
   */
  async signIn(email: string, password: string, draft: SignInDraft, origin: Origin): Promise<Session | null> {
    // Credentials that change between the check and the opening are checked once more, as they are now.
    for (let attempt = 0; attempt < 2; attempt++) {
      const user = await this.audit.recordRefusal({ action: 'session.open', ip: origin.lastIp }, () =>
        this.passwordCheck.verify(email, password, origin.lastIp),
      );
      if (user === null) break;
      const session = await this.open(user, draft, origin);
      if (session !== null) return session;
    }
    this.audit.record({
      action: 'session.open',
      ip: origin.lastIp,
      outcome: 'refused',
      reason: 'unauthenticated',
    });
    return null;
  }

  /**
   * `signIn` and the second factor in one, for clients that know of one step only. A session that stays without its second
   * factor is given up: its token was shown to nobody.
   * @param proof with the code, when there is one; nobody looks at it unless a second factor is owed
   * @returns whoever signed in, with an active session; null when the credentials are wrong
   * @throws Refusal otp_required when a code is owed and none came; as `signIn` and `SecondFactorsService#finish`
   */
  async signInAtOnce(
    proof: { email: string; password: string; code: string | undefined },
    draft: SignInDraft,
    origin: Origin,
  ): Promise<SignedInCaller | null> {
    const session = await this.signIn(proof.email, proof.password, draft, origin);
    if (session === null) return null;
    const caller = new SignedInCaller(session, session.user!, null, origin.lastIp);
    if (!caller.pending) return caller;
    try {
      if (proof.code === undefined) throw new Refusal('otp_required');
      const finished = await this.secondFactors.finish(caller, proof.code);
      const { refreshToken } = session;
      const active = refreshToken === undefined ? finished : Object.assign(finished, { refreshToken });
      return new SignedInCaller(active, caller.user, null, caller.ip);
    } catch (error) {
      await this.giveUp(caller);
      throw error;
    }
  }

  /**
   * Opens a machine session: named, without a window or a sliding expiry.
   * @param asking the session it is asked for with; null for the command line
   * @returns the session with its token, shown here and never again; null when the asking session is not live,
   *   interactive and writable at this very moment, or the user is closed
   * @throws Refusal step_up_required when no proof in the asking session is of the last hour
   */
  async openMachine(
    user: User,
    draft: MachineSessionDraft,
    origin: Origin,
    asking: Session | null,
  ): Promise<Session | null> {
    const createdAt = this.clock.now();
    const row = { ...origin, ...draft, userId: user.id, status: 'active' as const, machine: true, createdAt };
    const by = asking === null ? doneBy(OPERATOR) : { actorSessionId: asking.id, ip: origin.lastIp };
    const about = { action: 'machine_token.create', ...by } as const;
    if (asking === null) {
      return this.withToken(user, about, (manager, tokenHash) =>
        this.openings.openMachineFor(manager, { ...row, tokenHash }),
      );
    }
    const provedAfter = new Date(createdAt.getTime() - FRESH_SECONDS * 1000);
    const session = await this.withToken(user, about, (manager, tokenHash) =>
      this.openings.openMachine(manager, { ...row, tokenHash }, asking, createdAt, provedAfter),
    );
    const left = session === null ? await this.store.find(asking.id) : null;
    if (left?.isLive(createdAt) && left.tokenHash.equals(asking.tokenHash))
      throw new Refusal('step_up_required');
    return session;
  }

  private async open(
    user: User,
    { refreshable = false, ...draft }: SignInDraft,
    origin: Origin,
  ): Promise<Session | null> {
    const createdAt = this.clock.now();
    const refreshToken = refreshable ? mintToken() : null;
    const row: Omit<SessionRow, 'tokenHash'> = {
      ...origin,
      ...draft,
      userId: user.id,
      status: user.twoFactorAuth ? 'pending_otp' : 'active',
      machine: false,
      readOnly: false,
      createdAt,
      userVerifiedAt: createdAt,
      passwordVerifiedAt: createdAt,
      firstFactorVerifiedAt: createdAt,
      expiresAt: this.activity.expiryFrom(createdAt, draft.lifetimeSeconds),
      refreshTokenHash: refreshToken === null ? null : hashToken(refreshToken),
    };
    const about = { action: 'session.open', ip: origin.lastIp } as const;
    const session = await this.withToken(user, about, (manager, tokenHash) =>
      this.openings.open(manager, { ...row, tokenHash }, user.credentialsVersion),
    );
    if (session !== null && refreshToken !== null) session.refreshToken = refreshToken;
    return session;
  }

  private async giveUp({ session, user, ip }: SignedInCaller): Promise<void> {
    await this.audit.accounted(async (manager, note) => {
      if ((await this.store.endPending(manager, session.id, this.clock.now())) === null) return;
      const about = { userId: user.id, sessionId: session.id, by: user.id, actorSessionId: session.id, ip };
      note({ action: 'session.end', ...about, outcome: 'ok' });
    });
  }

  private withToken(
    user: User,
    about: Pick<AuditEvent, 'action' | 'by' | 'actorSessionId' | 'ip'>,
    write: (manager: EntityManager, tokenHash: Buffer) => Promise<Session | null>,
  ): Promise<Session | null> {
    const token = mintToken();
    return this.audit.accounted(async (manager, note) => {
      const session = await write(manager, hashToken(token));
      if (session === null) return null;
      note({ ...about, userId: user.id, sessionId: session.id, outcome: 'ok' });
      return Object.assign(session, { token, user });
    });
  }
}
