import { Injectable } from '@nestjs/common';
import { DataSource, EntityManager, IsNull } from 'typeorm';
import { prepared } from '../database/prepared.js';
import { OtpEnrollment } from './otp-enrollment.entity.js';
import { RecoveryCode } from './recovery-code.entity.js';

/** All SQL on `otp_enrollments` and `recovery_codes`. */
@Injectable()
export class OtpStore {
  constructor(private readonly database: DataSource) {}

  find(id: string): Promise<OtpEnrollment | null> {
    return this.database.manager.findOneBy(OtpEnrollment, { id });
  }

  async findConfirmed(userId: string): Promise<OtpEnrollment | null> {
    const rows = await prepared<OtpEnrollment>(
      this.database,
      'otp_enrollment_confirmed',
      `SELECT id, user_id AS "userId", sealed_secret AS "sealedSecret",
         credentials_version AS "credentialsVersion", last_used_step AS "lastUsedStep", created_at AS "createdAt", confirmed_at AS "confirmedAt"
       FROM otp_enrollments WHERE user_id = $1 AND confirmed_at IS NOT NULL`,
      [userId],
    );
    return rows[0] ?? null;
  }

  /** Adds a pending enrollment in place of the user's earlier pending ones. */
  addPending(
    row: Pick<OtpEnrollment, 'userId' | 'createdAt' | 'sealedSecret' | 'credentialsVersion'>,
  ): Promise<OtpEnrollment> {
    return this.database.transaction(async (manager) => {
      // First, since it locks the user's row: a confirmation locks that before the enrollment too.
      const added = await manager.save(OtpEnrollment, manager.create(OtpEnrollment, row), { reload: true });
      const others = 'DELETE FROM otp_enrollments WHERE user_id = $1 AND confirmed_at IS NULL AND id <> $2';
      await manager.query(others, [row.userId, added.id]);
      return added;
    });
  }

  /**
   * Confirms a pending enrollment, once, unless the user has a confirmed one; the code that confirmed it is spent
   * with it. The user's row has to be locked.
   */
  async confirm(manager: EntityManager, id: string, step: number, now: Date): Promise<boolean> {
    const rows = await prepared(
      manager,
      'otp_enrollment_confirm',
      `UPDATE otp_enrollments e SET confirmed_at = $3, last_used_step = $2
       WHERE e.id = $1 AND e.confirmed_at IS NULL
         AND NOT EXISTS (SELECT FROM otp_enrollments o WHERE o.user_id = e.user_id AND o.confirmed_at IS NOT NULL)
       RETURNING e.id`,
      [id, step, now],
    );
    return rows.length === 1;
  }

  /** Spends the code of a time step: true for exactly one caller, and never for it or an earlier step again. */
  async spendStep(manager: EntityManager, id: string, step: number): Promise<boolean> {
    const rows = await prepared(
      manager,
      'otp_step_spend',
      `UPDATE otp_enrollments SET last_used_step = $2
       WHERE id = $1 AND confirmed_at IS NOT NULL AND (last_used_step IS NULL OR last_used_step < $2)
       RETURNING id`,
      [id, step],
    );
    return rows.length === 1;
  }

  /**
   * Spends a recovery code: true for exactly one caller. Locks the enrollment before it, as spending a step does:
   * whoever spends two codes at once has the second one judged by what the first was spent for.
   */
  async spendRecoveryCode(manager: EntityManager, { id, enrollmentId }: RecoveryCode): Promise<boolean> {
    const rows = await prepared(
      manager,
      'recovery_code_spend',
      `DELETE FROM recovery_codes c USING (SELECT id FROM otp_enrollments WHERE id = $2 FOR UPDATE) e
       WHERE c.id = $1 AND c.enrollment_id = e.id RETURNING c.id`,
      [id, enrollmentId],
    );
    return rows.length === 1;
  }

  recoveryCodes(enrollmentId: string): Promise<RecoveryCode[]> {
    return this.database.manager.find(RecoveryCode, { where: { enrollmentId }, order: { id: 'ASC' } });
  }

  countRecoveryCodes(enrollmentId: string): Promise<number> {
    return this.database.manager.countBy(RecoveryCode, { enrollmentId });
  }

  /** Puts a new set of codes in the place of the old one. */
  async replaceRecoveryCodes(manager: EntityManager, enrollmentId: string, hashes: string[]): Promise<void> {
    await manager.delete(RecoveryCode, { enrollmentId });
    await manager.insert(
      RecoveryCode,
      hashes.map((codeHash) => ({ enrollmentId, codeHash })),
    );
  }

  /** Removes an enrollment that was never confirmed; false when there is none, or was confirmed meanwhile. */
  async removePending(id: string): Promise<boolean> {
    const { affected } = await this.database.manager.delete(OtpEnrollment, { id, confirmedAt: IsNull() });
    return affected === 1;
  }

  async remove(manager: EntityManager, id: string): Promise<boolean> {
    const { affected } = await manager.delete(OtpEnrollment, { id });
    return affected === 1;
  }
}
