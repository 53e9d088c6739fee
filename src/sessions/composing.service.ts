import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { may } from '../caller.js';
import { Clock } from '../clock.js';
import { Config } from '../config.js';
import { done, doneBy, type Note } from '../events/audit-event.js';
import { AuditLog } from '../events/audit-log.js';
import { CodesService, type Noted } from '../otp/codes.service.js';
import { OtpService, type CodeKind } from '../otp/otp.service.js';
import { Refusal } from '../refusal.js';
import { hashToken, mintToken } from '../secrets.js';
import { Attempts } from '../users/attempts.js';
import { PasswordCheck } from '../users/password-check.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import { Activity } from './activity.js';
import { ComposedSessionsStore, type ComposedSession, type LockedUser } from './composed-sessions.store.js';
import {
  BLANK,
  changesAnything,
  composed,
  type Composed,
  type Composition,
  type Opening,
} from './composition.js';
import { pointedAt, refuseHandingOver, refuseOutOfOrder, type Plan } from './composing-plan.js';
import { maySee, shownTo, whyNotSet, whyOver } from './composing-rights.js';
import { OpeningsStore } from './openings.store.js';
import type { Origin } from './origin.js';
import { SessionsStore } from './sessions.store.js';
import type { SignedInCaller } from './signed-in.js';

/**
 * Wrong codes that one opener may try on somebody whose password nobody proved to it: fewer than shut the account, or
 * whoever may open sessions could shut anybody out.
 */
const MOST_WITHOUT_PASSWORD = 5;

/** A session after a composition, with its new token if anything changed, and the codes that the caller hands over. */
export interface Composing {
  readonly session: ComposedSession;
  readonly codes: { readonly sms?: string; readonly email?: string };
}

/**
 * Sessions that are put together proof by proof, mostly by an application for its users. Until the proofs suffice a
 * session is pending: its token opens nothing, and nobody but its opener sees it.
 */
@Injectable()
export class ComposingService {
  constructor(
    private readonly store: ComposedSessionsStore,
    private readonly openings: OpeningsStore,
    private readonly sessions: SessionsStore,
    private readonly users: UsersService,
    private readonly passwordCheck: PasswordCheck,
    private readonly otp: OtpService,
    private readonly codes: CodesService,
    private readonly attempts: Attempts,
    private readonly activity: Activity,
    private readonly clock: Clock,
    private readonly config: Config,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Opens a session for whomever it names, or for nobody yet; all that is asked for is done, or nothing.
   * @returns the session with its token, shown here and never again
   * @throws Refusal forbidden without `session.write`, or for a code to be handed to a caller who may not have it;
   *   not_found at `user`; user_closed; verification_out_of_order for a proof or code while nobody is named;
   *   wrong_password at `password`; wrong_code; code_not_sent; strategy_unavailable; channel_unavailable;
   *   too_many_sign_ins, too_many_codes, too_many_codes_sent, busy; invalid at `metadata`; unauthenticated when the
   *   caller's session ended meanwhile; conflict when the user's credentials changed meanwhile
   */
  async create(caller: SignedInCaller, opening: Opening, origin: Origin): Promise<Composing> {
    return this.refusalsRecorded(caller, undefined, async () => {
      if (!may(caller, 'session.write')) throw new Refusal('forbidden');
      const user = opening.user === undefined ? null : await this.named(opening.user);
      const { fingerprint, agent, ...wanted } = opening;
      return this.compose({ caller, before: null, user, wanted, opening: { fingerprint, agent, origin } });
    });
  }

  /**
   * Proves more in a session, or notes more of it; all that is asked for is done, or nothing. Whatever changes puts a
   * new token in the place of the old one.
   * @throws Refusal not_found for a session that is unknown, or that the caller may not see; session_over,
   *   session_expired; forbidden, step_up_required (see `whyNotSet`); conflict at `user` for one that is another's; the
   *   rest as `create`
   */
  async set(caller: SignedInCaller, id: string, wanted: Composition): Promise<Composing> {
    return this.refusalsRecorded(caller, id, async () => {
      const before = await this.store.find(id);
      const user = before?.user ?? null;
      this.admit(caller, caller.rights, before, user?.rights);
      const named = wanted.user === undefined ? user : await this.sameOrNamed(before, user, wanted.user);
      if (!changesAnything(wanted)) return { session: before, codes: {} };
      return this.compose({ caller, before, user: named, wanted });
    });
  }

  /** Does what was allowed: looks at the proofs, and writes what they prove with their being spent. */
  private async compose(plan: Plan): Promise<Composing> {
    const { caller, before, user, wanted } = plan;
    refuseOutOfOrder(plan);
    refuseHandingOver(plan);
    if (before?.status === 'pending_otp' && wanted.codes.length > 0) {
      const counted = await this.sessions.countOtpAttempt(
        before.id,
        this.activity.pendingSince(this.clock.now()),
      );
      if (!counted) throw new Refusal('session_expired');
    }
    const proved =
      user && wanted.password !== undefined ? await this.prove(user, wanted.password, caller.ip) : user;
    const token = mintToken();
    const { session, noted } = await this.counted(plan, () =>
      this.spend({ ...plan, user: proved }, hashToken(token)),
    );
    const codes: { sms?: string; email?: string } = {};
    for (const noting of noted) codes[noting.channel] = (await noting.send()).code;
    const shown = shownTo(caller, Object.assign(session, proved && { user: proved }));
    return { session: Object.assign(shown, { token }), codes };
  }

  /** Codes for a session whose password is not proved are counted for whoever tries them, too. */
  private async counted<T>({ caller, before, user, wanted }: Plan, spend: () => Promise<T>): Promise<T> {
    const proved = wanted.password !== undefined || (before !== null && before.passwordVerifiedAt !== null);
    if (user === null || proved || wanted.codes.length === 0) return spend();
    const key = `codes of ${user.id} by ${caller.user.id}`;
    const limits = [{ key, most: MOST_WITHOUT_PASSWORD, clearedBySuccess: false }];
    const spent = await this.attempts.guard(limits, 'too_many_codes', async () => ({
      result: await spend(),
    }));
    return (spent as { result: T }).result;
  }

  private async spend(
    plan: Plan,
    tokenHash: Buffer,
  ): Promise<{ session: ComposedSession; noted: readonly Noted[] }> {
    const { caller, before, user, wanted } = plan;
    const noted: Noted[] = [];
    const save = async (manager: EntityManager, kinds: readonly CodeKind[], note: Note) => {
      const session = await this.save(manager, plan, { kinds, noted, tokenHash });
      const whose = { sessionId: session.id, userId: session.userId ?? undefined };
      note(done('session.compose', caller, whose));
      return { session, noted };
    };
    if (user === null) return this.audit.accounted((manager, note) => save(manager, [], note));
    const purpose = purposeOf(before?.id ?? 'to come');
    const proofs = wanted.codes.map((proof) => ({ ...proof, purpose }));
    try {
      // The sendings before the codes that are spent, and by channel, as everybody locks them.
      const sendings = [...wanted.challenges].sort((a, b) => (a.channel < b.channel ? -1 : 1));
      return await this.otp.spendAll(user, proofs, save, async (manager, note) => {
        const from = { ip: caller.ip, actorSessionId: caller.session.id };
        for (const sending of sendings) {
          noted.push(await this.codes.note(manager, user, { ...sending, ...from }, note));
        }
      });
    } catch (error) {
      throw wanted.codes.length === 1 ? pointedAt(wanted.codes[0]!.kind, error) : error;
    }
  }

  /** In the order of all locks: codes, then users, then sessions. */
  private async save(
    manager: EntityManager,
    plan: Plan,
    { kinds, noted, tokenHash }: { kinds: readonly CodeKind[]; noted: readonly Noted[]; tokenHash: Buffer },
  ): Promise<ComposedSession> {
    const { caller, before, user, wanted } = plan;
    if (before !== null) for (const code of noted) await code.write(purposeOf(before.id));
    const locked = await this.lock(manager, plan);
    const at = this.clock.now();
    const named = wanted.user !== undefined;
    const proved = { at, user, named, password: wanted.password !== undefined, codes: kinds };
    const next = composed(locked ?? BLANK, wanted, proved);
    const row = {
      ...next,
      tokenHash,
      expiresAt: this.expiryOf(locked, next, wanted, at),
    };
    if (locked !== null) return this.store.update(manager, locked.id, { ...row, now: at });
    const { origin, ...opening } = plan.opening!;
    const opened = { ...origin, ...opening, machine: false, readOnly: false, creatorId: caller.user.id };
    const session = await this.openings.compose(manager, { ...opened, ...row, createdAt: at });
    for (const code of noted) await code.write(purposeOf(session.id));
    return session;
  }

  /**
   * Holds everything still that the composition rests on, and looks at it once more.
   * @returns the session to be set, as it is now; null when there is none yet
   */
  private async lock(
    manager: EntityManager,
    { caller, before, user }: Plan,
  ): Promise<ComposedSession | null> {
    const ids = [caller.user.id, ...(user === null ? [] : [user.id])];
    const people = new Map((await this.store.lockUsers(manager, ids)).map((person) => [person.id, person]));
    const actor = people.get(caller.user.id);
    const owner = user === null ? null : people.get(user.id)!;
    const { asking, set } = await this.store.lockSessions(manager, caller.session.id, before?.id ?? null);
    if (actor?.status !== 'active' || asking?.isLive(this.clock.now()) !== true)
      throw new Refusal('unauthenticated');
    // The token that the request came with has to be the session's still: of many requests with one, one succeeds.
    if (!asking.tokenHash.equals(caller.session.tokenHash)) throw new Refusal('unauthenticated');
    if (owner !== null && user !== null && !isAsProved(owner, user)) throw new Refusal('conflict');
    if (before === null) {
      if (!may(actor, 'session.write')) throw new Refusal('forbidden');
      return null;
    }
    if (set === null || set.userId !== before.userId) throw new Refusal('conflict');
    // Tries were judged when this one was counted: it may have been the last, and is looked at all the same.
    set.otpAttempts = before.otpAttempts;
    this.admit(caller, actor.rights, set, owner?.rights);
    return set;
  }

  /** @throws Refusal not_found, session_over, session_expired, forbidden, step_up_required */
  private admit(
    caller: SignedInCaller,
    rights: readonly string[],
    session: ComposedSession | null,
    rightsOfUser: readonly string[] = [],
  ): asserts session is ComposedSession {
    if (session === null || !maySee(caller, session)) throw new Refusal('not_found');
    const over = this.whyOver(session);
    if (over !== null) throw new Refusal(over);
    const reason = whyNotSet(caller, rights, session, rightsOfUser, this.clock.now());
    if (reason !== null) throw new Refusal(reason);
  }

  private whyOver(session: ComposedSession): 'session_over' | 'session_expired' | null {
    return whyOver(session, this.clock.now(), this.config.get('OTP_WINDOW_SECONDS'));
  }

  /** A pending session is over with its window; one that becomes active lives from then on. */
  private expiryOf(
    before: ComposedSession | null,
    { status, lifetimeSeconds }: Composed,
    wanted: Composition,
    now: Date,
  ): Date | null {
    if (status === 'pending_otp') {
      return new Date((before?.createdAt ?? now).getTime() + this.config.get('OTP_WINDOW_SECONDS') * 1000);
    }
    const livesOn =
      before?.status === 'active' && wanted.lifetimeSeconds === null && lifetimeSeconds !== null;
    return livesOn ? before.expiresAt : this.activity.expiryFrom(now, lifetimeSeconds);
  }

  private async named(who: NonNullable<Composition['user']>): Promise<User> {
    const user = 'email' in who ? await this.users.findByEmail(who.email) : await this.users.find(who.id);
    if (user === null) throw new Refusal('not_found', { attribute: 'user' });
    if (user.status !== 'active') throw new Refusal('user_closed');
    return user;
  }

  /** Who is named for a session that is somebody's already can only be that somebody: nothing is told of others. */
  private async sameOrNamed(
    before: ComposedSession,
    user: User | null,
    who: NonNullable<Composition['user']>,
  ): Promise<User> {
    if (user === null) return this.named(who);
    const found = 'email' in who ? await this.users.findByEmail(who.email) : { id: who.id };
    if (found?.id !== before.userId) throw new Refusal('conflict', { attribute: 'user' });
    return user;
  }

  private async prove(user: User, password: string, ip: string): Promise<User> {
    const proved = await this.passwordCheck.reprove(user.id, password, ip);
    if (proved === null) throw new Refusal('wrong_password', { attribute: 'password' });
    // Whoever was named by an address may have another one by now, under the same password.
    if (!isAsProved(proved, user)) throw new Refusal('conflict');
    return proved;
  }

  private refusalsRecorded(
    caller: SignedInCaller,
    sessionId: string | undefined,
    work: () => Promise<Composing>,
  ): Promise<Composing> {
    return this.audit.recordRefusal({ action: 'session.compose', ...doneBy(caller), sessionId }, work);
  }
}

/** Codes sent for one session prove nothing in another. */
function purposeOf(sessionId: string): string {
  return `session ${sessionId}`;
}

function isAsProved(now: Pick<LockedUser, 'status' | 'credentialsVersion'>, proved: User): boolean {
  return now.status === 'active' && now.credentialsVersion === proved.credentialsVersion;
}
