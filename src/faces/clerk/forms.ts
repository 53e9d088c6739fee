import type { Form } from '../../http/form-body.js';
import type { SentKind } from '../../otp/otp.service.js';
import { Refusal } from '../../refusal.js';
import { LEVELS, type Factor, type Level, type Strategy } from '../../sessions/verification.entity.js';
import type { Proof } from '../../sessions/verifications.service.js';
import type { User } from '../../users/user.entity.js';
import { toId } from './ids.js';

/** Strategies by this API's names: those of which a code is sent, and those that can be tried (clerk.txt). */
const PREPARED: Readonly<Record<Factor, Readonly<Record<string, SentKind>>>> = {
  first: { email_code: 'email_code', phone_code: 'sms_code' },
  second: { phone_code: 'sms_code' },
};
const ATTEMPTED: Readonly<Record<Factor, Readonly<Record<string, Strategy>>>> = {
  first: { email_code: 'email_code', password: 'password', phone_code: 'sms_code' },
  second: { phone_code: 'sms_code', totp: 'totp', backup_code: 'recovery_code' },
};

/** Codes and passwords that are longer than any are not looked at. */
const LONGEST_PROOF = 1_000;

/** Why a session is touched, in newer versions of this API (CONTRACTS.md 2.2). */
const INTENTS = ['focus', 'select_session', 'select_org'];

/**
 * The organisation that a touched session shall act for: empty for none, undefined for the present one.
 * @throws Refusal invalid at `intent`
 */
export function toTouched(form: Form): string | undefined {
  const intent = form.get('intent');
  if (intent && !INTENTS.includes(intent)) throw new Refusal('invalid', { attribute: 'intent' });
  return form.get('active_organization_id');
}

/** The level of `verify`. @throws Refusal blank, invalid */
export function toLevel(form: Form): Level {
  const level = LEVELS.find((known) => known === required(form, 'level'));
  if (level === undefined) throw new Refusal('invalid', { attribute: 'level' });
  return level;
}

/**
 * By which strategy `prepare_first_factor` or `prepare_second_factor` sends a code. An address or number, if one is
 * named, has to be the user's own.
 * @throws Refusal blank, invalid
 */
export function toPreparation(form: Form, factor: Factor, user: User): SentKind {
  // The second factor has one strategy of this kind only, and its form may leave it out.
  const unsaid = factor === 'second' && !form.get('strategy');
  const strategy = unsaid ? 'sms_code' : strategyOf(form, PREPARED[factor]);
  const kind = strategy === 'email_code' ? 'emailAddress' : 'phoneNumber';
  const attribute = strategy === 'email_code' ? 'email_address_id' : 'phone_number_id';
  const named = form.get(attribute);
  if (named && named !== toId(kind, user.id)) throw new Refusal('invalid', { attribute });
  return strategy;
}

/** What `attempt_first_factor` or `attempt_second_factor` tries. @throws Refusal blank, invalid */
export function toAttempt(form: Form, factor: Factor): Proof {
  const strategy = strategyOf(form, ATTEMPTED[factor]);
  if (strategy === 'password') return { strategy, password: required(form, 'password') };
  return { strategy, code: required(form, 'code') };
}

/**
 * Whom a sign-in is for, and the password if it is given at once.
 * @throws Refusal blank, too_long; strategy_unavailable for one that nobody can begin with here
 */
export function toSignIn(form: Form): { identifier: string; password: string | undefined } {
  const strategy = form.get('strategy');
  if (strategy && strategy !== 'password') throw new Refusal('strategy_unavailable');
  const password = strategy || form.has('password') ? required(form, 'password') : undefined;
  return { identifier: required(form, 'identifier'), password };
}

/** The password that a sign-in goes on with. @throws Refusal blank, too_long, strategy_unavailable */
export function toPassword(form: Form): string {
  if (required(form, 'strategy') !== 'password') throw new Refusal('strategy_unavailable');
  return required(form, 'password');
}

/** The code that a sign-in is finished with. @throws Refusal blank, too_long, invalid; strategy_unavailable for SMS */
export function toSecondFactor(form: Form): string {
  const attempt = toAttempt(form, 'second');
  if (attempt.strategy !== 'totp' && attempt.strategy !== 'recovery_code') {
    throw new Refusal('strategy_unavailable');
  }
  return attempt.code;
}

/** A field that has to be there. @throws Refusal blank, too_long */
export function required(form: Form, name: string): string {
  const value = form.get(name);
  if (value === undefined || value === '') throw new Refusal('blank', { attribute: name });
  if (value.length > LONGEST_PROOF) throw new Refusal('too_long', { attribute: name });
  return value;
}

function strategyOf<T extends Strategy>(form: Form, known: Readonly<Record<string, T>>): T {
  const name = required(form, 'strategy');
  const strategy = Object.hasOwn(known, name) ? known[name] : undefined;
  if (strategy === undefined) throw new Refusal('invalid', { attribute: 'strategy' });
  return strategy;
}
