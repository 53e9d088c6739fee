/** Every right a user can hold. `*` stands for all of them. */
export const RIGHTS = [
  'user.read',
  'user.write',
  'session.read',
  'session.write',
  'session.delete',
  'event.read',
] as const;
export type Right = (typeof RIGHTS)[number];

/** How a session stood when it was recognised: a replica that shows as much shows all that its holder did before. */
export interface SessionMark {
  readonly sessionId: string;
  readonly version: number;
  /** A 64-bit number as its decimal string. */
  readonly writeMark: string;
}

/**
 * Who asks: built once for a request from its credential, by the guard in `sessions/`.
 * Rooms above may hand on a richer object of this shape; rooms below read only these members.
 */
export interface Caller {
  readonly user: { readonly id: string };
  readonly session: { readonly id: string };
  /** True for a read-only machine session and for every JWT: only safe methods, and minting a JWT. */
  readonly readOnly: boolean;
  /** True for a machine session: named, without expiry unless it asked for one. */
  readonly machine: boolean;
  /** True while the second factor is still owed: such a caller may end its own session and nothing else. */
  readonly pending: boolean;
  /** When the credential is a JWT, its expiry: nothing minted from it may live longer. */
  readonly jwtExpiresAt: Date | null;
  /** The rights of the user at this very moment. */
  readonly rights: readonly string[];
  /** The address the request came from. */
  readonly ip: string;
  /** What a replica has to show before it may answer a list; null for requests that only the primary may answer. */
  readonly mark: SessionMark | null;
}

/** Whether the caller holds the right, by name or through `*`. */
export function may(caller: Pick<Caller, 'rights'>, right: Right): boolean {
  return caller.rights.includes('*') || caller.rights.includes(right);
}

/** Whether one holder of rights has at least every right of another. */
export function holdsAllRightsOf(holder: readonly string[], other: readonly string[]): boolean {
  return holder.includes('*') || other.every((right) => holder.includes(right));
}

/** Whoever runs the command line on the server's machine: no session, and every right. */
export const OPERATOR: Caller = {
  user: { id: '0' },
  session: { id: '0' },
  readOnly: false,
  machine: false,
  pending: false,
  jwtExpiresAt: null,
  rights: ['*'],
  ip: 'command line',
  mark: null,
};
