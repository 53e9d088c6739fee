import { Attribute, optionalText, type Rule } from '../json-api/rules.js';
import type { SentKind } from '../otp/otp.service.js';
import { LEVELS, STRATEGIES, type Level, type Strategy } from './verification.entity.js';

/** Longest code or password that is looked at, in characters. */
const MAX_PROOF = 1_000;

const oneOf =
  (names: readonly string[], mayBeAbsent = false): Rule =>
  (value) => {
    if (value === undefined || value === null) return mayBeAbsent ? null : 'blank';
    return typeof value === 'string' && names.includes(value) ? null : 'invalid';
  };

const SENT: readonly SentKind[] = ['sms_code', 'email_code'];

/** What `POST /sessions/:id/verifications` takes; with a strategy a code is sent at once. */
export class VerificationStart {
  @Attribute(oneOf(LEVELS)) level: Level;
  @Attribute(oneOf(SENT, true)) strategy?: SentKind | null;
}

/** What `POST /verifications/:id/codes` takes. */
export class CodeRequest {
  @Attribute(oneOf(SENT)) strategy: SentKind;
}

/** What `POST /verifications/:id/attempts` takes: a password, or the code of any other strategy. */
export class VerificationAttempt {
  @Attribute(oneOf(STRATEGIES)) strategy: Strategy;
  @Attribute(optionalText(MAX_PROOF)) code?: string | null;
  @Attribute(optionalText(MAX_PROOF)) password?: string | null;
}
