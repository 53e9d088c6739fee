import { Injectable } from '@nestjs/common';
import { Clock } from '../clock.js';
import { AuditLog } from '../events/audit-log.js';
import { OtpService } from '../otp/otp.service.js';
import { Refusal } from '../refusal.js';
import { hashToken, mintToken } from '../secrets.js';
import { PasswordCheck } from '../users/password-check.js';
import type { User } from '../users/user.entity.js';
import { Activity } from './activity.js';
import type { Session } from './session.entity.js';
import { SessionsStore } from './sessions.store.js';
import type { SignedInCaller } from './signed-in.js';

/** The proof for a pending session. The user's id may be named beside it, and then has to fit. */
interface OtpProof {
  readonly userId: string | undefined;
  readonly password: string;
  readonly otp: string;
}

/** No user and no session has this id: what does not fit is checked against nobody, and so takes as long. */
export const NOBODY = '0';

/** How a session that waits for its second factor becomes active. */
@Injectable()
export class SecondFactorsService {
  constructor(
    private readonly store: SessionsStore,
    private readonly passwordCheck: PasswordCheck,
    private readonly otp: OtpService,
    private readonly activity: Activity,
    private readonly clock: Clock,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Makes a pending session active by password and one-time password, under a new token: the one from sign-in
   * never opens anything. Checked in this order (DECISIONS.md, Native 4): the password, the window, the code.
   * @param caller whoever's credential came along, if one did; it has to be the same user's
   * @throws Refusal unauthenticated when session, user and password do not fit together; otp_window_passed when
   *   time or tries are used up; wrong_code at `otp`; too_many_codes; too_many_sign_ins; busy
   */
  async validateOtp(
    id: string,
    proof: OtpProof,
    caller: SignedInCaller | undefined,
    ip: string,
  ): Promise<Session> {
    const about = { action: 'session.validate_otp', sessionId: id, actorSessionId: id, ip } as const;
    return this.audit.recordRefusal(about, () => this.stepUp(id, proof, caller, ip));
  }

  /**
   * Makes a pending session active by a one-time password alone: the caller's credential says that the password was
   * proved. As `validateOtp`, under a new token.
   * @throws Refusal unauthenticated unless the session is pending and its password was proved; otp_window_passed;
   *   wrong_code at `otp`; too_many_codes
   */
  async finish(caller: SignedInCaller, code: string): Promise<Session> {
    const { session, user, ip } = caller;
    const about = { userId: user.id, sessionId: session.id, actorSessionId: session.id, ip };
    return this.audit.recordRefusal({ action: 'session.validate_otp', ...about }, async () => {
      if (!caller.pending) throw new Refusal('unauthenticated');
      return this.promote(session, user, code, false, ip);
    });
  }

  private async stepUp(
    id: string,
    proof: OtpProof,
    caller: SignedInCaller | undefined,
    ip: string,
  ): Promise<Session> {
    const session = await this.store.find(id);
    const named = [proof.userId, caller?.user.id].every(
      (userId) => userId === undefined || userId === session?.userId,
    );
    const user = await this.passwordCheck.reprove(
      named && session ? session.userId : NOBODY,
      proof.password,
      ip,
    );
    if (session === null || user === null) throw new Refusal('unauthenticated');
    if (session.status === 'active') throw new Refusal('wrong_code', { attribute: 'otp' });
    if (session.status !== 'pending_otp') throw new Refusal('unauthenticated');
    return this.promote(session, user, proof.otp, true, ip);
  }

  /**
   * Spends a code for a pending session whose password was proved, now or before: it becomes active under a new token.
   * One that somebody opened for the user may lack that proof.
   */
  private async promote(
    { id, passwordVerifiedAt, tokenHash }: Session,
    user: User,
    code: string,
    passwordProved: boolean,
    ip: string,
  ): Promise<Session> {
    if (!passwordProved && passwordVerifiedAt === null) throw new Refusal('unauthenticated');
    const openedAfter = this.activity.pendingSince(this.clock.now());
    if (!(await this.store.countOtpAttempt(id, openedAfter))) throw new Refusal('otp_window_passed');
    const token = mintToken();
    const validated = await this.otp.spend(user, code, async (manager, factor, note) => {
      const now = this.clock.now();
      const expiresAt = this.activity.expiryFrom(now);
      const hashes = { oldTokenHash: passwordProved ? null : tokenHash, tokenHash: hashToken(token) };
      const change = { ...hashes, now, expiresAt, factor, passwordProved };
      const active = await this.store.promote(manager, id, user.credentialsVersion, change);
      if (active === null) throw new Refusal('unauthenticated');
      const about = { userId: user.id, sessionId: id, actorSessionId: id, ip };
      note({ action: 'session.validate_otp', ...about, outcome: 'ok' });
      return active;
    });
    return Object.assign(validated, { token, user });
  }
}
