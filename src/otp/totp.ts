import { generateSecret, generateURI, verifySync } from 'otplib';

const STEP_SECONDS = 30;

/** A fresh secret for an authenticator app: 160 random bits in Base32. */
export function mintSecret(): string {
  return generateSecret({ length: 20 });
}

/** What an authenticator app reads from the QR code. */
export function otpauthUri(issuer: string, account: string, secret: string): string {
  return generateURI({ issuer, label: account, secret });
}

/**
 * The time step whose code this is, one step either way of now; null for any other text.
 * RFC 6238, SHA-1, six ASCII digits, 30 seconds (DECISIONS.md, All APIs 7).
 */
export function stepOfCode(secret: string, code: string, nowSeconds: number): number | null {
  if (!/^[0-9]{6}$/.test(code)) return null;
  const result = verifySync({ secret, token: code, epoch: nowSeconds, epochTolerance: STEP_SECONDS });
  return result.valid && 'timeStep' in result ? result.timeStep : null;
}

/** What the secret of a user's authenticator app is sealed for (see `Sealer`). */
export function sealPurpose(userId: string): string {
  return `otp secret of user ${userId}`;
}
