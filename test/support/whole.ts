import { expect } from '@jest/globals';
import { ask } from './sql.js';

/** What one act writes in several rows, and rows of which a part is missing. */
const HALVES: Readonly<Record<string, string>> = {
  'a second factor with more or fewer than its recovery codes, one of which may be spent': `
    SELECT id FROM otp_enrollments e WHERE confirmed_at IS NOT NULL
      AND (SELECT count(*) FROM recovery_codes WHERE enrollment_id = e.id) NOT IN (4, 5)`,
  'sessions of a user who is closed': `
    SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.status = 'closed' AND s.status = 'active'`,
};

/** Whether no act was written by half. */
export async function expectWhole(url: string): Promise<void> {
  for (const [half, sql] of Object.entries(HALVES)) {
    expect([half, await ask(url, sql)]).toEqual([half, []]);
  }
}
