import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../clock.js';
import type { AuditEvent, Note } from '../events/audit-event.js';
import { AuditLog } from '../events/audit-log.js';
import { Notices } from '../delivery/mailer.js';
import { Refusal } from '../refusal.js';
import { Passwords, Sealer } from '../secrets.js';
import { Attempts } from '../users/attempts.js';
import type { User } from '../users/user.entity.js';
import { CodesService, type Claim } from './codes.service.js';
import type { OtpEnrollment } from './otp-enrollment.entity.js';
import { OtpStore } from './otp.store.js';
import { sealPurpose, stepOfCode } from './totp.js';

/** Wrong codes for one account, over all its sessions and kinds of codes, in one window (DECISIONS.md, All APIs 7). */
const MAX_WRONG_CODES = 10;
/** In this order rows are locked: those of an enrollment before those of sent codes. */
const CLAIMED: readonly CodeKind[] = ['totp', 'recovery_code', 'email_code', 'sms_code'];

/** The kinds of codes that are sent, and by what. */
export const CHANNELS = { sms_code: 'sms', email_code: 'email' } as const;
export type SentKind = keyof typeof CHANNELS;

/** What kind of code one is. */
export type CodeKind = 'totp' | 'recovery_code' | SentKind;

/** A code that somebody gives: one that was sent proves what it was sent for and nothing else. */
type CodeProof =
  | { readonly kind: 'totp' | 'recovery_code'; readonly code: string }
  | { readonly kind: SentKind; readonly code: string; readonly purpose: string };

interface Found {
  readonly kind: CodeKind;
  readonly claim: Claim;
}

/** The spending of codes: of authenticator apps, recovery codes, and those that were sent. */
@Injectable()
export class OtpService {
  constructor(
    private readonly store: OtpStore,
    private readonly codes: CodesService,
    private readonly attempts: Attempts,
    private readonly passwords: Passwords,
    private readonly sealer: Sealer,
    private readonly clock: Clock,
    private readonly audit: AuditLog,
    private readonly notices: Notices,
  ) {}

  /**
   * Spends a code of a user's authenticator app or a recovery code, and does what it was spent for in the same
   * transaction: if that throws, the code is not spent. Of many callers with one code, one succeeds.
   * @param then notes what it does
   * @throws Refusal wrong_code at `otp`; too_many_codes; whatever `then` throws
   */
  async spend<T>(
    user: User,
    code: string,
    then: (manager: EntityManager, kind: 'totp' | 'recovery_code', note: Note) => Promise<T>,
  ): Promise<T> {
    const { result, kind } = await this.counted(user.id, async () => {
      const found = (await this.findStep(user, code)) ?? (await this.findRecoveryCode(user, code));
      if (found === null) return null;
      return this.audit.accounted(async (manager, note) => {
        if (!(await found.claim(manager))) return null;
        if (found.kind === 'recovery_code') note(recoveryCodeUsed(user));
        return { result: await then(manager, found.kind, note), kind: found.kind };
      });
    });
    if (kind === 'recovery_code') await this.tellOfRecoveryCode(user);
    return result;
  }

  /**
   * Spends several codes of a user at once, and does what they were spent for in the same transaction: all of them,
   * or none. They are looked at in turn up to the first that is wrong, so that all together are one try; of many
   * callers with one code, one succeeds. `then` has to hold the user to `user.credentialsVersion` still.
   * @param then is told the kinds, in the order of the proofs, and notes what it does
   * @param first what has to be locked before any code, in the same transaction
   * @throws Refusal code_not_sent when a sent code is named and none is out (nothing is counted then); wrong_code at
   *   `code`; too_many_codes; whatever `then` throws
   */
  async spendAll<T>(
    user: User,
    proofs: readonly CodeProof[],
    then: (manager: EntityManager, kinds: readonly CodeKind[], note: Note) => Promise<T>,
    first?: (manager: EntityManager, note: Note) => Promise<void>,
  ): Promise<T> {
    if (proofs.length === 0) return this.claimAll(user, [], then, first);
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
        return { result: await this.claimAll(user, found, then, first) };
      },
      'code',
    );
    if (proofs.some(({ kind }) => kind === 'recovery_code')) await this.tellOfRecoveryCode(user);
    return result;
  }

  /**
   * The time step whose code this is in an enrollment, confirmed or not, once the try is counted; not spent by it.
   * @throws Refusal wrong_code at `otp`; too_many_codes
   */
  stepOfCode(enrollment: OtpEnrollment, code: string): Promise<number> {
    return this.counted(enrollment.userId, () => Promise.resolve(this.stepOf(enrollment, code)));
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
    user: User,
    found: readonly Found[],
    then: (manager: EntityManager, kinds: readonly CodeKind[], note: Note) => Promise<T>,
    first?: (manager: EntityManager, note: Note) => Promise<void>,
  ): Promise<T> {
    const inOrder = [...found].sort((a, b) => CLAIMED.indexOf(a.kind) - CLAIMED.indexOf(b.kind));
    return this.audit.accounted(async (manager, note) => {
      await first?.(manager, note);
      for (const { claim, kind } of inOrder) {
        // Thrown, so that those claimed before it are not spent either.
        if (!(await claim(manager))) throw new Refusal('wrong_code', { attribute: 'code' });
        if (kind === 'recovery_code') note(recoveryCodeUsed(user));
      }
      const kinds = found.map(({ kind }) => kind);
      return then(manager, kinds, note);
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

  private async tellOfRecoveryCode(user: User): Promise<void> {
    const enrollment = await this.store.findConfirmed(user.id);
    const left = enrollment === null ? 0 : await this.store.countRecoveryCodes(enrollment.id);
    this.notices.send({
      to: user.email,
      subject: 'A recovery code was used',
      text: `A recovery code was used for your account; ${left} are left.`,
    });
  }
}

function recoveryCodeUsed({ id }: User): AuditEvent {
  return { action: 'recovery_code.use', userId: id, outcome: 'ok' };
}
