import { hasPhone } from '../otp/codes.service.js';
import type { User } from '../users/user.entity.js';
import type { Factor, Level, Strategy } from './verification.entity.js';

type Strategies = Readonly<Record<Factor, readonly Strategy[]>>;

/**
 * How a user can prove each factor. Whoever has an authenticator app proves the second factor by it and never by SMS;
 * for others that have a telephone it is the SMS, which then is no first factor of a proof of both.
 */
export function strategiesOf(user: User, level: Level = 'first_factor'): Strategies {
  const phone = hasPhone(user);
  const first: Strategy[] = ['password', 'email_code'];
  if (user.twoFactorAuth) {
    return { first: phone ? [...first, 'sms_code'] : first, second: ['totp', 'recovery_code'] };
  }
  if (!phone) return { first, second: [] };
  return { first: level === 'multi_factor' ? first : [...first, 'sms_code'], second: ['sms_code'] };
}

/** The level that a user can prove when asked for one: without a second factor it is the first (clerk.txt, verify). */
export function provableLevel(user: User, level: Level): Level {
  return strategiesOf(user).second.length === 0 ? 'first_factor' : level;
}

/** Every way to prove a factor that anybody has. */
export const STRATEGIES_OF_FACTOR: Strategies = {
  first: ['password', 'email_code', 'sms_code'],
  second: ['totp', 'recovery_code', 'sms_code'],
};
