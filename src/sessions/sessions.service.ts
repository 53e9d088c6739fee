import { Injectable, type OnModuleInit } from '@nestjs/common';
import { may, type Caller, type Right } from '../caller.js';
import { Clock } from '../clock.js';
import { Config } from '../config.js';
import { BroadLists } from '../database/broad-lists.js';
import type { Action } from '../events/actions.js';
import { done, doneBy } from '../events/audit-event.js';
import { AuditLog } from '../events/audit-log.js';
import { KeysService } from '../keys/keys.service.js';
import { mentions, type Filter, type Page, type Slice } from '../page.js';
import { Refusal } from '../refusal.js';
import { hashToken } from '../secrets.js';
import { CredentialChanges } from '../users/credential-changes.js';
import { MembershipEnds } from '../users/membership-ends.js';
import type { User } from '../users/user.entity.js';
import { Activity } from './activity.js';
import type { Outline, OutlinedSession, SessionColumn, UserColumn } from './session.columns.js';
import type { Session } from './session.entity.js';
import { SessionsStore, type EndStatus, type Scope, type SessionEdits } from './sessions.store.js';
import { BriefCaller, SignedInCaller } from './signed-in.js';
import { SweepsStore } from './sweeps.store.js';
import { TokenJwts } from './token-jwts.js';

/** What a list or a mass revocation is narrowed to. `everyone` asks for other users' sessions too. */
interface Narrowing {
  readonly filter: Filter | null;
  readonly everyone: boolean;
}

/** Sessions: recognised, listed, described, ended. */
@Injectable()
export class SessionsService implements OnModuleInit {
  constructor(
    private readonly store: SessionsStore,
    private readonly sweeps: SweepsStore,
    private readonly broad: BroadLists,
    private readonly keys: KeysService,
    private readonly tokens: TokenJwts,
    private readonly activity: Activity,
    private readonly changes: CredentialChanges,
    private readonly membershipEnds: MembershipEnds,
    private readonly clock: Clock,
    private readonly config: Config,
    private readonly audit: AuditLog,
  ) {}

  onModuleInit(): void {
    this.changes.listen(async (manager, change) => {
      const isLive = await this.sweeps.applyCredentialChange(manager, change, this.clock.now());
      if (!isLive) throw new Refusal('unauthenticated');
    });
    this.changes.holdBy((manager, sessionId) => this.store.hold(manager, sessionId, this.clock.now()));
    this.membershipEnds.listen((manager, end) =>
      this.sweeps.leaveOrganization(manager, end, this.clock.now()),
    );
  }

  /**
   * Who a credential, a session token (plain or as a JWT) or a read-only JWT, belongs to at this very moment: one SQL
   * statement, nothing remembered, so that a revocation holds from its answer on. Null for whatever is not, or no
   * longer, live.
   * @param briefly for a caller of whom no more is read than a `BriefCaller` has; else it is a `SignedInCaller`
   */
  async recognise(credential: string, ip: string, briefly: boolean): Promise<BriefCaller | null> {
    const now = this.clock.now();
    const token = this.tokens.tokenOf(credential);
    const jwt = token === null ? await this.keys.verify(credential) : null;
    const session =
      token === null
        ? jwt && (await this.store.findByJwt(jwt.sessionId, jwt.kid, now, briefly))
        : await this.store.findByTokenHash(hashToken(token), briefly);
    if (session === null || session.user.status !== 'active') return null;
    if (jwt !== null && (jwt.userId !== session.userId || !session.isLive(now))) return null;
    if (session.isLive(now)) this.activity.note(session, ip);
    else if (!session.isPending(now, this.config.get('OTP_WINDOW_SECONDS'))) return null;
    if (token !== null) session.token = token;
    const { user } = session;
    const ends = jwt?.expiresAt ?? null;
    return briefly
      ? new BriefCaller(session, user, ends, ip)
      : new SignedInCaller(session as Session, user as User, ends, ip);
  }

  /**
   * The caller's live sessions; with `session.read` also other users', when the page asks for them.
   * @param outline what is shown of each of them
   * @throws Refusal forbidden for a page that tells other users by their addresses, without `user.read`; too_broad, busy
   */
  async list<S extends SessionColumn, U extends UserColumn>(
    caller: Caller,
    page: Page,
    everyone: boolean,
    outline: Outline<S, U>,
  ): Promise<Slice<OutlinedSession<S, U>>> {
    const scope = this.scope(caller, { filter: page.filter, everyone }, 'session.read');
    if (scope === 'everyone' && namesUsers(page) && !may(caller, 'user.read')) throw new Refusal('forbidden');
    const owner = scope !== 'everyone' && caller instanceof SignedInCaller ? caller.user : null;
    const list = () => this.store.list(page, scope, outline, owner, this.clock.now(), caller.mark);
    const slice = await (scope === 'everyone' ? this.broad.run(page, list) : list());
    for (const session of slice.rows) showOwnToken(session, caller);
    return slice;
  }

  /** @throws Refusal not_found for an unknown, ended or foreign session */
  async read(caller: SignedInCaller, id: string): Promise<Session> {
    const session = await this.store.findLive(id, this.reach(caller, 'session.read'), this.clock.now());
    if (session === null) throw new Refusal('not_found');
    return showOwnToken(session, caller);
  }

  /**
   * Describes a session anew; what is undefined keeps its value, and `metadata` is replaced as a whole.
   * @throws Refusal not_found; forbidden for another user's session without `session.write`; not_interactive when
   *   a machine session would rename one, and step_up_required when a session without a proof of the last hour would;
   *   blank at `name` for a machine session; organization_unknown at `organization_id` for one that the session's user
   *   is no member of
   */
  async describe(caller: SignedInCaller, id: string, description: SessionEdits): Promise<Session> {
    const before = await this.read(caller, id);
    const name = description.name === before.name ? undefined : description.name;
    if (before.machine && name !== undefined) {
      if (caller.machine) throw new Refusal('not_interactive');
      if (!caller.session.isFresh(this.clock.now(), caller.user.twoFactorAuth)) {
        const about = { userId: before.userId, sessionId: id, ...doneBy(caller) };
        const reason = 'step_up_required';
        this.audit.record({ action: 'session.describe', ...about, outcome: 'refused', reason });
        throw new Refusal(reason);
      }
      if (name === null || name.trim() === '') throw new Refusal('blank', { attribute: 'name' });
    }
    const scope = this.reach(caller, 'session.write');
    const session = await this.audit.accounted(async (manager, note) => {
      const edits = { ...description, name };
      const described = await this.store.describe(manager, id, scope, edits, this.clock.now());
      if (described !== null && before.userId !== caller.user.id)
        note(done('session.describe', caller, { sessionId: id, userId: before.userId }));
      return described;
    });
    if (session === null) {
      const refusal = await this.refusalFor(caller, id, 'session.describe');
      throw description.organizationId ? await this.unlessStranger(id, scope, refusal) : refusal;
    }
    return showOwnToken(Object.assign(session, { user: before.user }), caller);
  }

  /**
   * Lets one of the caller's own sessions act for an organisation of theirs, or with null for none.
   * @param caller whose session it has to be
   * @throws Refusal not_found for a session that is not live and theirs; organization_unknown at `organization_id`
   */
  async actFor(
    caller: Pick<SignedInCaller, 'user'>,
    sessionId: string,
    organizationId: string | null,
  ): Promise<Session> {
    const scope = { userId: caller.user.id };
    const session = await this.audit.accounted((manager) =>
      this.store.describe(manager, sessionId, scope, { organizationId }, this.clock.now()),
    );
    if (session === null) throw await this.unlessStranger(sessionId, scope, new Refusal('not_found'));
    return Object.assign(session, { user: caller.user });
  }

  /**
   * Ends a session: from the return on no instance accepts its token or a JWT made from it. A pending session may
   * end itself.
   * @param status what it is called then; by default `ended` for the caller's own and `revoked` for any other
   * @returns the session as it is then
   * @throws Refusal not_found; forbidden for another user's session without `session.delete`; otp_required
   */
  async end(caller: SignedInCaller, id: string, status?: EndStatus): Promise<Session> {
    const own = id === caller.session.id;
    if (caller.pending && !own) throw new Refusal('otp_required');
    const now = this.clock.now();
    const scope = this.reach(caller, 'session.delete');
    const session = await this.audit.accounted(async (manager, note) => {
      const ended = caller.pending
        ? await this.store.endPending(manager, id, now)
        : await this.store.end(manager, id, scope, status ?? (own ? 'ended' : 'revoked'), now);
      if (ended !== null) note(done('session.end', caller, { sessionId: id, userId: ended.userId }));
      return ended;
    });
    if (session === null) throw await this.refusalFor(caller, id, 'session.end');
    return session;
  }

  /**
   * Ends every session that the narrowing keeps, the caller's own apart; with no filter all the caller's others.
   * @returns how many
   */
  revoke(caller: Caller, narrowing: Narrowing): Promise<number> {
    const scope = this.scope(caller, narrowing, 'session.delete');
    const userId = scope === 'everyone' ? undefined : scope.userId;
    return this.audit.accounted(async (manager, note) => {
      const { filter } = narrowing;
      const count = await this.sweeps.revokeAll(manager, filter, scope, caller.session.id, this.clock.now());
      note(done('session.revoke_many', caller, { userId, count }));
      return count;
    });
  }

  /** Naming users in a filter asks beyond oneself; without the right it still reaches oneself only. */
  private scope(caller: Caller, narrowing: Narrowing, right: Right): Scope {
    const beyond = narrowing.everyone || mentions(narrowing.filter, 'userId');
    return beyond ? this.reach(caller, right) : { userId: caller.user.id };
  }

  private reach(caller: Caller, right: Right): Scope {
    return may(caller, right) ? 'everyone' : { userId: caller.user.id };
  }

  /** A session that may be seen but not touched is forbidden; any other is not there. */
  private async refusalFor(caller: SignedInCaller, id: string, action: Action): Promise<Refusal> {
    const seen = await this.store.findLive(id, this.reach(caller, 'session.read'), this.clock.now());
    if (seen === null || seen.userId === caller.user.id) return new Refusal('not_found');
    const about = { userId: seen.userId, sessionId: id, ...doneBy(caller) };
    this.audit.record({ action, ...about, outcome: 'refused', reason: 'forbidden' });
    return new Refusal('forbidden');
  }

  /** What is live and was not written all the same names an organisation of which its user is no member. */
  private async unlessStranger(id: string, scope: Scope, otherwise: Refusal): Promise<Refusal> {
    const isLive = (await this.store.findLive(id, scope, this.clock.now())) !== null;
    return isLive ? new Refusal('organization_unknown', { attribute: 'organization_id' }) : otherwise;
  }
}

/** Whether a page is picked or put in order by who the users are. */
function namesUsers({ filter, sort }: Page): boolean {
  return mentions(filter, 'userEmail') || sort.some(({ field }) => field === 'userEmail');
}

/** A list shows one token at most: the very one that the request came with (DECISIONS.md, All APIs 2). */
function showOwnToken<T extends Pick<Session, 'id' | 'token'>>(
  session: T,
  caller: { session: { id: string; token?: string } },
): T {
  if (session.id === caller.session.id && caller.session.token !== undefined)
    session.token = caller.session.token;
  return session;
}
