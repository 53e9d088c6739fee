import { expect } from '@jest/globals';
import { ask } from './sql.js';

/** What one act writes in several rows, and rows of which a part is missing. */
const HALVES: Readonly<Record<string, string>> = {
  'a second factor without its five recovery codes': `
    SELECT id FROM otp_enrollments e WHERE confirmed_at IS NOT NULL AND 5 <>
      (SELECT count(*) FROM recovery_codes WHERE enrollment_id = e.id) +
      (SELECT count(*) FROM events WHERE action = 'recovery_code.use' AND outcome = 'ok' AND user_id = e.user_id)`,
  'a session that nobody opened': `
    SELECT id FROM sessions s WHERE NOT EXISTS (SELECT FROM events WHERE outcome = 'ok' AND session_id = s.id
      AND action IN ('session.open', 'session.compose', 'machine_token.create'))`,
  'a session that nobody ended': `
    SELECT id FROM sessions s WHERE status = 'ended' AND NOT EXISTS
      (SELECT FROM events WHERE action = 'session.end' AND outcome = 'ok' AND session_id = s.id)`,
  'a user whom nobody added': `
    SELECT id FROM users u WHERE email <> 'admin@example.com' AND NOT EXISTS
      (SELECT FROM events WHERE action = 'user.create' AND outcome = 'ok' AND user_id = u.id)`,
  'sessions of a user who is closed': `
    SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.status = 'closed' AND s.status = 'active'`,
  'an event of nothing': `
    SELECT id FROM events WHERE action = 'session.open' AND outcome = 'ok' AND session_id NOT IN (SELECT id FROM sessions)`,
};

/** Whether no act was written by half. */
export async function expectWhole(url: string): Promise<void> {
  for (const [half, sql] of Object.entries(HALVES)) {
    expect([half, await ask(url, sql)]).toEqual([half, []]);
  }
}
