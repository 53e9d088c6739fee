import { holdsAllRightsOf, may } from '../caller.js';
import type { CodeKind } from '../otp/otp.service.js';
import { Refusal } from '../refusal.js';
import type { User } from '../users/user.entity.js';
import type { ComposedSession } from './composed-sessions.store.js';
import type { Composition, Opening } from './composition.js';
import type { Origin } from './origin.js';
import type { SignedInCaller } from './signed-in.js';

/** What a composition is about, once it is allowed. */
export interface Plan {
  readonly caller: SignedInCaller;
  /** Null for a session that comes to be. */
  readonly before: ComposedSession | null;
  /** Null while nobody is named. */
  readonly user: User | null;
  readonly wanted: Composition;
  /** For a session that comes to be. */
  readonly opening?: {
    readonly fingerprint: string | null;
    readonly agent: Opening['agent'];
    readonly origin: Origin;
  };
}

/**
 * Refuses what is proved, or sent, before anyone is named, and codes that no earlier request can have sent.
 * @throws Refusal verification_out_of_order, code_not_sent
 */
export function refuseOutOfOrder({ before, user, wanted }: Plan): void {
  const { password, codes, challenges } = wanted;
  if (user === null) {
    if (password === undefined && codes.length + challenges.length === 0) return;
    throw new Refusal('verification_out_of_order');
  }
  const sent = codes.find(({ kind }) => kind === 'sms_code' || kind === 'email_code');
  if (before === null && sent) throw new Refusal('code_not_sent', { attribute: sent.kind });
}

/**
 * A code that comes back to whoever proves by it proves nothing: so it goes to those alone who opened the session for
 * somebody else, whose every right they hold too.
 * @throws Refusal forbidden
 */
export function refuseHandingOver({ caller, before, user, wanted }: Plan): void {
  if (user === null || wanted.challenges.every(({ deliver }) => deliver !== false)) return;
  const opened = before === null || before.creatorId === caller.user.id;
  const trusted = user.id !== caller.user.id && holdsAllRightsOf(caller.rights, user.rights);
  if (!opened || !trusted || !may(caller, 'session.write')) throw new Refusal('forbidden');
}

/** A refusal of the only code that there was says which one is at fault. */
export function pointedAt(kind: CodeKind, error: unknown): unknown {
  const isOfCode = error instanceof Refusal && ['wrong_code', 'code_not_sent'].includes(error.reason);
  return isOfCode ? new Refusal(error.reason, { attribute: kind }) : error;
}
