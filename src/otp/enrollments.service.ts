import { Injectable } from '@nestjs/common';
import type { Caller } from '../caller.js';
import { Clock } from '../clock.js';
import { Config } from '../config.js';
import { done } from '../events/audit-event.js';
import { AuditLog } from '../events/audit-log.js';
import { Notices } from '../delivery/mailer.js';
import { Refusal } from '../refusal.js';
import { mintRecoveryCode, Passwords, Sealer } from '../secrets.js';
import { CredentialChanges } from '../users/credential-changes.js';
import { PasswordCheck } from '../users/password-check.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import type { OtpEnrollment } from './otp-enrollment.entity.js';
import { OtpService } from './otp.service.js';
import { OtpStore } from './otp.store.js';
import { mintSecret, otpauthUri, sealPurpose } from './totp.js';

const RECOVERY_CODES = 5;
const ENROLLMENT_MINUTES = 60;
/** bcrypt's cost for recovery codes: guesses are counted, and five hashes are compared for one guess. */
const RECOVERY_CODE_COST = 10;

/** An enrollment as its owner sees it. The secret and the codes are there only when they were just made. */
export interface EnrollmentView {
  readonly enrollment: OtpEnrollment;
  readonly recoveryCodesLeft: number;
  readonly secret?: string;
  readonly otpauthUri?: string;
  readonly recoveryCodes?: readonly string[];
}

/** Second factors: authenticator apps and recovery codes, set up, renewed and removed. */
@Injectable()
export class EnrollmentsService {
  constructor(
    private readonly store: OtpStore,
    private readonly otp: OtpService,
    private readonly users: UsersService,
    private readonly changes: CredentialChanges,
    private readonly passwordCheck: PasswordCheck,
    private readonly passwords: Passwords,
    private readonly sealer: Sealer,
    private readonly clock: Clock,
    private readonly config: Config,
    private readonly audit: AuditLog,
    private readonly notices: Notices,
  ) {}

  /**
   * Begins to set up an authenticator app: a secret, shown once, that counts only after `confirm`.
   * @throws Refusal not_found for anyone but oneself; wrong_password at `password`; two_factor_already_on
   */
  async enroll(caller: Caller, userId: string, password: string): Promise<EnrollmentView> {
    if (userId !== caller.user.id) throw new Refusal('not_found');
    const user = await this.reproved(caller, password);
    if (user.twoFactorAuth) throw new Refusal('two_factor_already_on');
    const secret = mintSecret();
    const sealedSecret = this.sealer.seal(secret, sealPurpose(user.id));
    const enrollment = await this.store.addPending({
      userId: user.id,
      sealedSecret,
      credentialsVersion: user.credentialsVersion,
      createdAt: this.clock.now(),
    });
    const uri = otpauthUri(this.config.get('OTP_ISSUER'), user.email, secret);
    return { enrollment, recoveryCodesLeft: 0, secret, otpauthUri: uri };
  }

  /** @throws Refusal not_found for an unknown enrollment and for somebody else's */
  async read(caller: Caller, id: string): Promise<EnrollmentView> {
    const enrollment = await this.own(caller, id);
    return { enrollment, recoveryCodesLeft: await this.store.countRecoveryCodes(enrollment.id) };
  }

  /**
   * Turns two-factor authentication on by a first code, and ends the user's other browser sessions with it.
   * @returns five recovery codes, shown once
   * @throws Refusal not_found; enrollment_expired after an hour; two_factor_already_on; wrong_code at `otp`;
   *   too_many_codes; conflict when the credentials changed since it was begun; unauthenticated when the caller's
   *   session ended meanwhile
   */
  async confirm(caller: Caller, id: string, code: string): Promise<EnrollmentView> {
    const enrollment = await this.own(caller, id);
    if (enrollment.confirmedAt !== null) throw new Refusal('two_factor_already_on');
    const now = this.clock.now();
    if (now.getTime() >= enrollment.createdAt.getTime() + ENROLLMENT_MINUTES * 60_000) {
      throw new Refusal('enrollment_expired');
    }
    const user = await this.users.read(caller, caller.user.id);
    const step = await this.otp.stepOfCode(enrollment, code);
    const fresh = await this.makeRecoveryCodes();
    await this.audit.accounted(async (manager, note) => {
      const proved = { id: user.id, credentialsVersion: enrollment.credentialsVersion };
      const current = await this.changes.setTwoFactor(manager, caller, proved, true);
      if (!current || !(await this.store.confirm(manager, id, step, now))) throw new Refusal('conflict');
      await this.store.replaceRecoveryCodes(manager, id, fresh.hashes);
      note(done('two_factor.enable', caller, { userId: user.id }));
    });
    this.tell(user, 'Two-factor authentication was turned on');
    const confirmed = Object.assign(enrollment, { confirmedAt: now });
    return { enrollment: confirmed, recoveryCodesLeft: fresh.codes.length, recoveryCodes: fresh.codes };
  }

  /**
   * Puts five new recovery codes in the place of the old ones.
   * @throws Refusal not_found; wrong_password at `password`; wrong_code at `otp`; too_many_codes; conflict when the
   *   credentials changed meanwhile; unauthenticated as `confirm`
   */
  async renewRecoveryCodes(
    caller: Caller,
    id: string,
    password: string,
    code: string,
  ): Promise<EnrollmentView> {
    const enrollment = await this.own(caller, id);
    if (enrollment.confirmedAt === null) throw new Refusal('not_found');
    const user = await this.reproved(caller, password);
    const fresh = await this.makeRecoveryCodes();
    await this.otp.spend(user, code, async (manager, _kind, note) => {
      const { credentialsVersion } = await this.changes.hold(manager, caller);
      if (credentialsVersion !== user.credentialsVersion) throw new Refusal('conflict');
      await this.store.replaceRecoveryCodes(manager, id, fresh.hashes);
      note(done('recovery_codes.renew', caller, { userId: user.id }));
    });
    this.tell(user, 'New recovery codes were made');
    return { enrollment, recoveryCodesLeft: fresh.codes.length, recoveryCodes: fresh.codes };
  }

  /**
   * Turns two-factor authentication off, or gives up an enrollment that was never confirmed (no code exists for
   * that one, so none is asked for). Ends the user's other browser sessions when a factor was lost.
   * @throws Refusal not_found; wrong_password at `password`; blank or wrong_code at `otp`; too_many_codes; conflict
   *   when it was confirmed, or the credentials changed, meanwhile; unauthenticated as `confirm`
   */
  async remove(caller: Caller, id: string, password: string, code: string): Promise<void> {
    const enrollment = await this.own(caller, id);
    if (enrollment.confirmedAt !== null && code === '') throw new Refusal('blank', { attribute: 'otp' });
    const user = await this.reproved(caller, password);
    if (enrollment.confirmedAt === null) {
      if (!(await this.store.removePending(id))) throw new Refusal('conflict');
      return;
    }
    await this.otp.spend(user, code, async (manager, _kind, note) => {
      const current = await this.changes.setTwoFactor(manager, caller, user, false);
      if (!current || !(await this.store.remove(manager, id))) throw new Refusal('conflict');
      note(done('two_factor.disable', caller, { userId: user.id }));
    });
    this.tell(user, 'Two-factor authentication was turned off');
  }

  /** Takes the second factor off a user who lost it; for the command line. @throws Refusal conflict */
  async reset(operator: Caller, user: User): Promise<void> {
    const enrollment = await this.store.findConfirmed(user.id);
    await this.audit.accounted(async (manager, note) => {
      // The enrollment first: spending a code locks it before the user too.
      if (enrollment !== null) await this.store.remove(manager, enrollment.id);
      if (!(await this.changes.setTwoFactor(manager, operator, user, false))) throw new Refusal('conflict');
      note(done('two_factor.disable', operator, { userId: user.id }));
    });
    this.tell(user, 'Two-factor authentication was turned off');
  }

  private async own(caller: Caller, id: string): Promise<OtpEnrollment> {
    const enrollment = await this.store.find(id);
    if (enrollment === null || enrollment.userId !== caller.user.id) throw new Refusal('not_found');
    return enrollment;
  }

  private async reproved(caller: Caller, password: string): Promise<User> {
    const user = await this.passwordCheck.reprove(caller.user.id, password, caller.ip);
    if (user === null) throw new Refusal('wrong_password', { attribute: 'password' });
    return user;
  }

  private async makeRecoveryCodes(): Promise<{ codes: string[]; hashes: string[] }> {
    const codes = Array.from({ length: RECOVERY_CODES }, mintRecoveryCode);
    const cost = Math.min(this.passwords.cost, RECOVERY_CODE_COST);
    const hashes: string[] = [];
    for (const code of codes) hashes.push(await this.passwords.hash(code, cost));
    return { codes, hashes };
  }

  private tell(user: User, subject: string): void {
    this.notices.send({
      to: user.email,
      subject,
      text: `${subject} for your account.`,
    });
  }
}
