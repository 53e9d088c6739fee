import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Caller } from '../caller.js';
import { Clock } from '../clock.js';
import { Config } from '../config.js';
import { AuditLog } from '../delivery/audit-log.js';
import { Notices } from '../delivery/mailer.js';
import { Refusal } from '../refusal.js';
import { mintRecoveryCode, Passwords, Sealer } from '../secrets.js';
import { Attempts } from '../users/attempts.js';
import { PasswordCheck } from '../users/password-check.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import { CodesService, type Claim } from './codes.service.js';
import type { OtpEnrollment } from './otp-enrollment.entity.js';
import { OtpStore } from './otp.store.js';
import { mintSecret, otpauthUri, stepOfCode } from './totp.js';

/** Wrong codes for one account, over all its sessions and kinds of codes, in one window (DECISIONS.md, All APIs 7). */
const MAX_WRONG_CODES = 10;
const RECOVERY_CODES = 5;
const ENROLLMENT_MINUTES = 60;
/** bcrypt's cost for recovery codes: guesses are counted, and five hashes are compared for one guess. */
const RECOVERY_CODE_COST = 10;

const CHANNELS = { sms_code: 'sms', email_code: 'email' } as const;
/** In this order rows are locked: those of an enrollment before those of sent codes. */
const CLAIMED: readonly CodeKind[] = ['totp', 'recovery_code', 'email_code', 'sms_code'];

/** An enrollment as its owner sees it. The secret and the codes are there only when they were just made. */
export interface EnrollmentView {
  readonly enrollment: OtpEnrollment;
  readonly recoveryCodesLeft: number;
  readonly secret?: string;
  readonly otpauthUri?: string;
  readonly recoveryCodes?: readonly string[];
}

/** What kind of code one is. */
export type CodeKind = 'totp' | 'recovery_code' | 'sms_code' | 'email_code';

/** A code that somebody gives: one that was sent proves what it was sent for and nothing else. */
export type CodeProof =
  | { readonly kind: 'totp' | 'recovery_code'; readonly code: string }
  | { readonly kind: 'sms_code' | 'email_code'; readonly code: string; readonly purpose: string };

interface Found {
  readonly kind: CodeKind;
  readonly claim: Claim;
}

/** Second factors: authenticator apps and recovery codes; and the spending of every kind of code. */
@Injectable()
export class OtpService {
  constructor(
    private readonly store: OtpStore,
    private readonly codes: CodesService,
    private readonly users: UsersService,
    private readonly passwordCheck: PasswordCheck,
    private readonly attempts: Attempts,
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
   *   too_many_codes; conflict when the credentials changed since it was begun
   */
  async confirm(caller: Caller, id: string, code: string): Promise<EnrollmentView> {
    const enrollment = await this.own(caller, id);
    if (enrollment.confirmedAt !== null) throw new Refusal('two_factor_already_on');
    const now = this.clock.now();
    if (now.getTime() >= enrollment.createdAt.getTime() + ENROLLMENT_MINUTES * 60_000) {
      throw new Refusal('enrollment_expired');
    }
    const user = await this.users.read(caller, caller.user.id);
    const step = await this.counted(user.id, () => Promise.resolve(this.stepOf(enrollment, code)));
    const fresh = await this.makeRecoveryCodes();
    await this.store.transaction(async (manager) => {
      const proved = { id: user.id, credentialsVersion: enrollment.credentialsVersion };
      const current = await this.users.setTwoFactor(manager, caller, proved, true);
      if (!current || !(await this.store.confirm(manager, id, step, now))) throw new Refusal('conflict');
      await this.store.replaceRecoveryCodes(manager, id, fresh.hashes);
    });
    this.tell(caller, user, 'two_factor.enable', 'Two-factor authentication was turned on');
    const confirmed = Object.assign(enrollment, { confirmedAt: now });
    return { enrollment: confirmed, recoveryCodesLeft: fresh.codes.length, recoveryCodes: fresh.codes };
  }

  /**
   * Puts five new recovery codes in the place of the old ones.
   * @throws Refusal not_found; wrong_password at `password`; wrong_code at `otp`; too_many_codes
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
    await this.spend(user, code, (manager) => this.store.replaceRecoveryCodes(manager, id, fresh.hashes));
    this.tell(caller, user, 'recovery_codes.renew', 'New recovery codes were made');
    return { enrollment, recoveryCodesLeft: fresh.codes.length, recoveryCodes: fresh.codes };
  }

  /**
   * Turns two-factor authentication off, or gives up an enrollment that was never confirmed (no code exists for
   * that one, so none is asked for). Ends the user's other browser sessions when a factor was lost.
   * @throws Refusal not_found; wrong_password at `password`; blank or wrong_code at `otp`; too_many_codes; conflict
   *   when it was confirmed, or the credentials changed, meanwhile
   */
  async remove(caller: Caller, id: string, password: string, code: string): Promise<void> {
    const enrollment = await this.own(caller, id);
    if (enrollment.confirmedAt !== null && code === '') throw new Refusal('blank', { attribute: 'otp' });
    const user = await this.reproved(caller, password);
    if (enrollment.confirmedAt === null) {
      if (!(await this.store.removePending(id))) throw new Refusal('conflict');
      return;
    }
    await this.spend(user, code, async (manager) => {
      const current = await this.users.setTwoFactor(manager, caller, user, false);
      if (!current || !(await this.store.remove(manager, id))) throw new Refusal('conflict');
    });
    this.tell(caller, user, 'two_factor.disable', 'Two-factor authentication was turned off');
  }

  /** Takes the second factor off a user who lost it; for the command line. @throws Refusal conflict */
  async reset(operator: Caller, user: User): Promise<void> {
    const enrollment = await this.store.findConfirmed(user.id);
    await this.store.transaction(async (manager) => {
      // The enrollment first: spending a code locks it before the user too.
      if (enrollment !== null) await this.store.remove(manager, enrollment.id);
      if (!(await this.users.setTwoFactor(manager, operator, user, false))) throw new Refusal('conflict');
    });
    this.tell(operator, user, 'two_factor.disable', 'Two-factor authentication was turned off');
  }

  /**
   * Spends a code of a user's authenticator app or a recovery code, and does what it was spent for in the same
   * transaction: if that throws, the code is not spent. Of many callers with one code, one succeeds.
   * @throws Refusal wrong_code at `otp`; too_many_codes; whatever `then` throws
   */
  async spend<T>(
    user: User,
    code: string,
    then: (manager: EntityManager, kind: 'totp' | 'recovery_code') => Promise<T>,
  ): Promise<T> {
    const { result, kind } = await this.counted(user.id, async () => {
      const found = (await this.findStep(user, code)) ?? (await this.findRecoveryCode(user, code));
      if (found === null) return null;
      return this.store.transaction(async (manager) => {
        if (!(await found.claim(manager))) return null;
        return { result: await then(manager, found.kind), kind: found.kind };
      });
    });
    if (kind === 'recovery_code') await this.tellOfRecoveryCode(user);
    return result;
  }

  /**
   * Spends several codes of a user at once, and does what they were spent for in the same transaction: all of them,
   * or none. They are looked at in turn up to the first that is wrong, so that all together are one try; of many
   * callers with one code, one succeeds. `then` has to hold the user to `user.credentialsVersion` still.
   * @param then is told the kinds, in the order of the proofs
   * @throws Refusal code_not_sent when a sent code is named and none is out (nothing is counted then); wrong_code at
   *   `code`; too_many_codes; whatever `then` throws
   */
  async spendAll<T>(
    user: User,
    proofs: readonly CodeProof[],
    then: (manager: EntityManager, kinds: readonly CodeKind[]) => Promise<T>,
  ): Promise<T> {
    if (proofs.length === 0) return this.store.transaction((manager) => then(manager, []));
    for (const proof of proofs) {
      if (proof.kind !== 'sms_code' && proof.kind !== 'email_code') continue;
      const target = { userId: user.id, purpose: proof.purpose, channel: CHANNELS[proof.kind] };
      if (!(await this.codes.isWaitedFor(target))) throw new Refusal('code_not_sent');
    }
    const { result } = await this.counted(
      user.id,
      async () => {
        const found: Found[] = [];
        for (const proof of proofs) {
          const next = await this.findProof(user, proof);
          if (next === null) return null;
          found.push(next);
        }
        return { result: await this.claimAll(found, then) };
      },
      'code',
    );
    if (proofs.some(({ kind }) => kind === 'recovery_code')) await this.tellOfRecoveryCode(user);
    return result;
  }

  /** Counts a try against the account before it is looked at; a right one takes its own count back. */
  private async counted<T>(userId: string, check: () => Promise<T | null>, attribute = 'otp'): Promise<T> {
    const limits = [{ key: `codes of ${userId}`, most: MAX_WRONG_CODES, clearedBySuccess: false }];
    const result = await this.attempts.guard(limits, 'too_many_codes', check);
    if (result === null) throw new Refusal('wrong_code', { attribute });
    return result;
  }

  /** Rows are locked in the order of `CLAIMED`, whatever the order of the proofs. */
  private claimAll<T>(
    found: readonly Found[],
    then: (manager: EntityManager, kinds: readonly CodeKind[]) => Promise<T>,
  ): Promise<T> {
    const inOrder = [...found].sort((a, b) => CLAIMED.indexOf(a.kind) - CLAIMED.indexOf(b.kind));
    return this.store.transaction(async (manager) => {
      for (const { claim } of inOrder) {
        // Thrown, so that those claimed before it are not spent either.
        if (!(await claim(manager))) throw new Refusal('wrong_code', { attribute: 'code' });
      }
      return then(
        manager,
        found.map(({ kind }) => kind),
      );
    });
  }

  private async findProof(user: User, proof: CodeProof): Promise<Found | null> {
    if (proof.kind === 'sms_code' || proof.kind === 'email_code') {
      const { kind, purpose, code } = proof;
      const claim = await this.codes.find(user, { purpose, channel: CHANNELS[kind] }, code);
      return claim && { kind, claim };
    }
    return proof.kind === 'totp' ? this.findStep(user, proof.code) : this.findRecoveryCode(user, proof.code);
  }

  private async findStep(user: User, code: string): Promise<{ kind: 'totp'; claim: Claim } | null> {
    const enrollment = await this.store.findConfirmed(user.id);
    const step = enrollment && this.stepOf(enrollment, code);
    if (enrollment === null || step === null) return null;
    return { kind: 'totp', claim: (manager) => this.store.spendStep(manager, enrollment.id, step) };
  }

  private async findRecoveryCode(
    user: User,
    code: string,
  ): Promise<{ kind: 'recovery_code'; claim: Claim } | null> {
    const letters = code.replace(/[\s-]/g, '').toLowerCase();
    if (!/^[a-z]{8}$/.test(letters)) return null;
    const enrollment = await this.store.findConfirmed(user.id);
    if (enrollment === null) return null;
    const fitting = await this.passwords.findFitting(letters, await this.store.recoveryCodes(enrollment.id));
    if (fitting === null) return null;
    return { kind: 'recovery_code', claim: (manager) => this.store.spendRecoveryCode(manager, fitting) };
  }

  private stepOf(enrollment: OtpEnrollment, code: string): number | null {
    const secret = this.sealer.open(enrollment.sealedSecret, sealPurpose(enrollment.userId));
    return stepOfCode(secret, code, this.clock.seconds());
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

  private tell(caller: Caller, user: User, action: string, subject: string): void {
    this.audit.record({ action, userId: user.id, by: caller.user.id, ip: caller.ip, outcome: 'ok' });
    this.notices.send({
      to: user.email,
      subject,
      text: `${subject} for your account.`,
    });
  }

  private async tellOfRecoveryCode(user: User): Promise<void> {
    const enrollment = await this.store.findConfirmed(user.id);
    const left = enrollment === null ? 0 : await this.store.countRecoveryCodes(enrollment.id);
    this.audit.record({ action: 'recovery_code.use', userId: user.id, outcome: 'ok' });
    this.notices.send({
      to: user.email,
      subject: 'A recovery code was used',
      text: `A recovery code was used for your account; ${left} are left.`,
    });
  }
}

function sealPurpose(userId: string): string {
  return `otp secret of user ${userId}`;
}
