/** A bcrypt hash that somebody else computed, as ours are written. */
interface PasswordHash {
  /** With the prefix `$2b$`. */
  readonly hash: string;
  readonly cost: number;
}

/**
 * Reads a bcrypt hash, or null for what is none. `$2a$` and PHP's `$2y$` are the same algorithm as `$2b$`; `$2x$` is
 * not. The spare bits of the salt's and the hash's last letter have to be zero: bcrypt writes them so, and a hash that
 * has others would never fit any password.
 */
export function readPasswordHash(raw: string): PasswordHash | null {
  const parts = /^\$2[aby]\$(\d\d)\$([./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26])$/.exec(raw);
  const cost = Number(parts?.[1]);
  return parts !== null && cost >= 4 && cost <= 31 ? { hash: `$2b$${parts[1]}$${parts[2]}`, cost } : null;
}
