import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Caller } from '../caller.js';
import { Clock } from '../clock.js';
import type { Act } from '../events/audit-event.js';
import { AuditLog } from '../events/audit-log.js';
import { CodesService } from '../otp/codes.service.js';
import { CHANNELS, OtpService, type SentKind } from '../otp/otp.service.js';
import { Refusal } from '../refusal.js';
import { PasswordCheck } from '../users/password-check.js';
import type { User } from '../users/user.entity.js';
import type { Session } from './session.entity.js';
import { SessionsService } from './sessions.service.js';
import type { SignedInCaller } from './signed-in.js';
import { provableLevel, STRATEGIES_OF_FACTOR, strategiesOf } from './strategies.js';
import { MAX_VERIFICATION_ATTEMPTS, type Factor, type Level, type Strategy } from './verification.entity.js';
import { VerificationsStore, type VerificationOfSession } from './verifications.store.js';

const MINUTES = 10;

/** A proof, and the factor it is meant for where the request says so. */
export type Proof = { readonly factor?: Factor } & (
  | { readonly strategy: 'password'; readonly password: string }
  | { readonly strategy: Exclude<Strategy, 'password'>; readonly code: string }
);

/** Step-up: proving factors once more in a live browser session. A session has one open verification at most. */
@Injectable()
export class VerificationsService {
  constructor(
    private readonly store: VerificationsStore,
    private readonly sessions: SessionsService,
    private readonly codes: CodesService,
    private readonly otp: OtpService,
    private readonly passwordCheck: PasswordCheck,
    private readonly clock: Clock,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Opens a verification of a level in one of the caller's own browser sessions, for ten minutes, and replaces the
   * one that was open. A user without a second factor proves the first, and `level` says so.
   * @param strategy sends the code for the first step at once; when it cannot be sent nothing is opened or replaced
   * @throws Refusal not_found for an unknown, ended or foreign session; not_interactive for a machine session; with a
   *   strategy whatever `sendCode` throws
   */
  async start(
    caller: SignedInCaller,
    sessionId: string,
    level: Level,
    strategy?: SentKind,
  ): Promise<VerificationOfSession> {
    const session = await this.ownSession(caller, sessionId);
    if (session.machine) throw new Refusal('not_interactive');
    const { user } = caller;
    const provable = provableLevel(user, level);
    const awaits: Factor = provable === 'second_factor' ? 'second' : 'first';
    const open = (manager: EntityManager) =>
      this.open(manager, session, user, { level: provable, awaits, strategy });
    if (strategy === undefined) return this.own(caller, await this.store.transaction(open));
    refuseUnfit(strategiesOf(user, provable)[awaits], awaits, strategy);
    const sending = { channel: CHANNELS[strategy], ip: caller.ip, actorSessionId: caller.session.id };
    const { result } = await this.codes.sendFor(user, sending, async (manager) => {
      const id = await open(manager);
      return { purpose: purposeOf(id), result: id };
    });
    return this.own(caller, result);
  }

  /**
   * The newest verification of one of the caller's own sessions, over or not; null when there never was one.
   * @throws Refusal not_found
   */
  async current(caller: SignedInCaller, sessionId: string): Promise<VerificationOfSession | null> {
    const session = await this.ownSession(caller, sessionId);
    return known(await this.store.findNewest(session.id, caller.user.id, this.clock.now()));
  }

  /** @throws Refusal not_found for one of an unknown, ended or foreign session */
  read(caller: Caller, id: string): Promise<VerificationOfSession> {
    return this.own(caller, id);
  }

  /**
   * Sends a code for the step that the verification is at, in the place of the one sent before by this channel.
   * @param factor the factor it is meant for, where the request says so
   * @throws Refusal not_found; verification_over; verification_out_of_order; strategy_unavailable;
   *   channel_unavailable; too_many_codes_sent
   */
  async sendCode(
    caller: Caller,
    id: string,
    strategy: SentKind,
    factor?: Factor,
  ): Promise<VerificationOfSession> {
    const verification = await this.own(caller, id);
    const step = stepOf(verification, strategy, factor);
    const { user } = verification.session;
    const purpose = purposeOf(id);
    const { expiresAt } = await this.codes.send(user, {
      purpose,
      channel: CHANNELS[strategy],
      ip: caller.ip,
      actorSessionId: caller.session.id,
    });
    await this.store.prepare(null, id, step, strategy, { now: this.clock.now(), expiresAt });
    return this.own(caller, id);
  }

  /**
   * Takes a proof for the step that the verification is at. A right one stamps the session, in the transaction in
   * which the code is spent: of many callers with one code, one succeeds. The fifth wrong one ends the verification.
   * @throws Refusal not_found; verification_over; verification_out_of_order; strategy_unavailable; code_not_sent;
   *   wrong_code at `code`; wrong_password at `password`; too_many_codes, too_many_sign_ins, busy
   */
  async attempt(caller: Caller, id: string, proof: Proof): Promise<VerificationOfSession> {
    const verification = await this.own(caller, id);
    const { id: sessionId, userId } = verification.session;
    const by = { actorSessionId: caller.session.id, ip: caller.ip };
    const about = { action: 'session.step_up', userId, sessionId, ...by } as const;
    await this.audit.recordRefusal(about, async () => {
      const factor = stepOf(verification, proof.strategy, proof.factor);
      const stamp: Act<void> = async (manager, note) => {
        await this.stamp(manager, verification, factor, proof.strategy);
        note({ ...about, outcome: 'ok' });
      };
      await this.counted(id, factor, proof.strategy, () => this.prove(caller, verification, proof, stamp));
    });
    return this.own(caller, id);
  }

  private async ownSession(caller: SignedInCaller, id: string): Promise<Session> {
    const session = await this.sessions.read(caller, id);
    if (session.userId !== caller.user.id) throw new Refusal('not_found');
    return session;
  }

  private async own(caller: Caller, id: string): Promise<VerificationOfSession> {
    const verification = known(await this.store.find(id, caller.user.id, this.clock.now()));
    if (verification === null) throw new Refusal('not_found');
    return verification;
  }

  private async open(
    manager: EntityManager,
    session: Session,
    user: User,
    { level, awaits, strategy }: { level: Level; awaits: Factor; strategy: SentKind | undefined },
  ): Promise<string> {
    const now = this.clock.now();
    const expiresAt = new Date(now.getTime() + MINUTES * 60_000);
    const id = await this.store.open(manager, session.id, user, { level, awaits, now, expiresAt });
    if (id === null) throw new Refusal('not_found');
    if (strategy !== undefined) await this.store.prepare(manager, id, awaits, strategy, { now, expiresAt });
    return id;
  }

  /** Counts a try before it is looked at; one that was not looked at is taken back. */
  private async counted(
    id: string,
    factor: Factor,
    strategy: Strategy,
    prove: () => Promise<void>,
  ): Promise<void> {
    const attempts = await this.store.countAttempt(id, factor, strategy, this.clock.now());
    if (attempts === null) throw new Refusal('verification_over');
    try {
      await prove();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!WRONG.has(error.reason)) await this.store.uncountAttempt(id);
      else if (attempts >= MAX_VERIFICATION_ATTEMPTS) await this.store.fail(id);
      throw error;
    }
  }

  private async prove(
    caller: Caller,
    verification: VerificationOfSession,
    proof: Proof,
    stamp: Act<void>,
  ): Promise<void> {
    const { user } = verification.session;
    const { strategy } = proof;
    if (strategy === 'password') {
      const proved = await this.passwordCheck.reprove(user.id, proof.password, caller.ip);
      if (proved === null) throw new Refusal('wrong_password', { attribute: 'password' });
      return this.audit.accounted(stamp);
    }
    const { code } = proof;
    const spent =
      strategy === 'totp' || strategy === 'recovery_code'
        ? { kind: strategy, code }
        : { kind: strategy, code, purpose: purposeOf(verification.id) };
    return this.otp.spendAll(user, [spent], (manager, _kinds, note) => stamp(manager, note));
  }

  private async stamp(
    manager: EntityManager,
    { id, level, session }: VerificationOfSession,
    factor: Factor,
    strategy: Strategy,
  ): Promise<void> {
    const now = this.clock.now();
    const stamped = await this.store.stamp(manager, session.id, session.user, { factor, strategy, now });
    const awaits = level === 'multi_factor' && factor === 'first' ? 'second' : null;
    const advanced = stamped && (await this.store.advance(manager, id, { factor, awaits, now }));
    if (!advanced) throw new Refusal('verification_over');
  }
}

/** After these a proof was looked at and was wrong. */
const WRONG: ReadonlySet<string> = new Set(['wrong_code', 'wrong_password']);

function purposeOf(verificationId: string): string {
  return `verification ${verificationId}`;
}

/** Fills in what the present step takes; a verification begun before a change of the credentials is over. */
function known(verification: VerificationOfSession | null): VerificationOfSession | null {
  if (verification === null) return null;
  const { user } = verification.session;
  if (verification.awaits !== null && verification.credentialsVersion !== user.credentialsVersion) {
    verification.status = 'failed';
  }
  const { awaits, level } = verification;
  verification.strategies = awaits === null ? [] : strategiesOf(user, level)[awaits];
  return verification;
}

/** The factor that a verification waits for, if it can be proved in this way. */
function stepOf(
  { awaits, strategies = [] }: VerificationOfSession,
  strategy: Strategy,
  factor?: Factor,
): Factor {
  if (awaits === null) throw new Refusal('verification_over');
  if (factor !== undefined && factor !== awaits) throw new Refusal('verification_out_of_order');
  refuseUnfit(strategies, awaits, strategy);
  return awaits;
}

function refuseUnfit(strategies: readonly Strategy[], awaits: Factor, strategy: Strategy): void {
  if (strategies.includes(strategy)) return;
  const known = STRATEGIES_OF_FACTOR[awaits].includes(strategy);
  throw new Refusal(
    known ? 'strategy_unavailable' : 'verification_out_of_order',
    known ? { attribute: 'strategy' } : {},
  );
}
