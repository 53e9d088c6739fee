import { generateSync } from 'otplib';
import type { Test } from 'supertest';
import { document, PASSWORD, type Latchkey, type SecondFactor, type SignedInPerson } from './latchkey.js';

/** What `validate_otp` is sent; the password is the rig's unless named. */
export interface Proof {
  readonly otp: unknown;
  readonly password?: unknown;
  /** Named in `relationships`, as in the contract's example. */
  readonly userId?: string;
}

/** Someone who turned two-factor authentication on. */
export type Careful = SignedInPerson & SecondFactor;

/** A new user, signed in and with a second factor. */
export async function asCareful(latchkey: Latchkey): Promise<Careful> {
  const person = await latchkey.asUser();
  return { ...person, ...(await latchkey.enableTwoFactor(person)) };
}

/** `PUT /sessions/:id/validate_otp`. */
export function validateOtp(
  latchkey: Latchkey,
  sessionId: string,
  { otp, password = PASSWORD, userId }: Proof,
  token: string | null = null,
): Test {
  const user = { data: { type: 'users', id: userId } };
  const relationships = userId === undefined ? {} : { relationships: { user } };
  const path = `/api/v2/sessions/${sessionId}/validate_otp`;
  return latchkey.put(path, token, document('sessions', { otp, password }, relationships));
}

/** A code of six digits that no authenticator app shows at this time, nor one that is five minutes off. */
export function wrongCode(latchkey: Latchkey, secret: string): string {
  const near = new Set<string>();
  for (let step = -10; step <= 10; step++) near.add(codeAt(latchkey, secret, step * 30));
  return Array.from({ length: 30 }, (_, n) => String(n).padStart(6, '0')).find((code) => !near.has(code))!;
}

/** The code that an authenticator app shows so many seconds from now. */
export function codeAt(latchkey: Latchkey, secret: string, secondsFromNow: number): string {
  return generateSync({ secret, epoch: latchkey.clock.seconds() + secondsFromNow });
}

/** Forgets which wrong passwords and codes were counted; not by their rows, which sign-ins lock in an order of their own. */
export async function forgetAttempts(latchkey: Latchkey): Promise<void> {
  await latchkey.sql('TRUNCATE attempts');
}

/** Sets the clock of one instance by another's. */
export function synchronise(clockOf: Latchkey, by: Latchkey): void {
  clockOf.clock.move(by.clock.milliseconds() - clockOf.clock.milliseconds());
}
