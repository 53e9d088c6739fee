import { isoInstant } from '../../json-api/iso-instant.js';
import type { Slice } from '../../page.js';
import { Refusal, type Problem, type Reason } from '../../refusal.js';
import { isWellFormed } from '../../secrets.js';
import { MAX_DEVICE_NAME, MAX_ENVIRONMENT } from '../../sessions/session.attributes.js';
import { Outline, type Outlined } from '../../sessions/session.columns.js';
import type { Session } from '../../sessions/session.entity.js';
import { fullName } from '../../users/full-name.js';
import type { User } from '../../users/user.entity.js';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID_LENGTH = 32;
const GREATEST_ID = 2n ** 63n - 1n;

/** What `POST /api/auth` was sent. */
export interface SignInRequest {
  readonly userName: string;
  readonly password: string;
  /** A one-time password or recovery code; not in the document. */
  readonly otp: string | undefined;
  readonly deviceName: string;
  /** Not in the document either, where an administrator says it of the device. */
  readonly envName: string | null;
}

/** An id as 32 letters and digits: in base 62, with zeros before it, so that texts sort as ids do. */
export function toPortosId(id: string): string {
  let digits = '';
  for (let rest = BigInt(id); rest > 0n; rest /= 62n) digits = DIGITS.charAt(Number(rest % 62n)) + digits;
  return digits.padStart(ID_LENGTH, '0');
}

/** The id that a text is, or undefined: each id has one spelling, and every other text is an unknown id. */
export function fromPortosId(text: string): string | undefined {
  if (!/^0{21}[0-9A-Za-z]{11}$/.test(text)) return undefined;
  let id = 0n;
  for (const digit of text) id = id * 62n + BigInt(DIGITS.indexOf(digit));
  return id > 0n && id <= GREATEST_ID ? String(id) : undefined;
}

/** What a list shows of a session, and of its user. */
export const OUTLINE = new Outline(
  ['deviceName', 'environment', 'createdAt', 'expiresAt', 'lastActivityAt', 'version'],
  ['email'],
);
type Listed = Outlined<typeof OUTLINE>;

/** The class Session of portos.txt; without `userName` for a session whose user is not to be shown. */
export function toPortosSession(session: Listed): object {
  return {
    sessionId: toPortosId(session.id),
    identity: {
      userName: session.user?.email,
      deviceName: session.deviceName,
      envName: session.environment,
      authenticationType: AUTHENTICATION_TYPE,
    },
    startedAt: toPortosInstant(session.createdAt),
    expiresAt: session.expiresAt && toPortosInstant(session.expiresAt),
    lastAccessAt: toPortosInstant(session.lastActivityAt),
    _v: session.version,
  };
}

/** A session that was just ended, as it was before: its end is no change of it (portos.txt, Delete session). */
export function toDeletedSession(ended: Session): object {
  return { ...toPortosSession(ended), _v: ended.version - 1 };
}

/** How every session of ours is asked for. */
export const AUTHENTICATION_TYPE = 'Bearer';

/**
 * The class QueryResult<Session>.
 * @param skipped the rows that the page passed over, and the most it may hold
 */
export function toQueryResult(
  { rows, total }: Slice<Listed>,
  { countOnly, skip, take }: { countOnly: boolean; skip: number; take: number },
): object {
  const totalCount = total ?? rows.length;
  if (countOnly) return { count: Math.min(Math.max(totalCount - skip, 0), take), totalCount };
  const items = rows.map(toPortosSession);
  return { items, count: items.length, totalCount };
}

/** The class AuthResult. @param tokenId the session's token as a JWT */
export function toAuthResult(session: Session, tokenId: string, user: User): object {
  return { ...toRefreshTokenResult(session, tokenId), user: toUserProfile(session, user) };
}

/** The class RefreshTokenResult. */
export function toRefreshTokenResult({ refreshToken }: Session, tokenId: string): object {
  return { tokenId, refreshToken };
}

/** The class UserProfileContext; what Latchkey knows nothing of is null or empty. */
export function toUserProfile(session: Session, user: User): object {
  const { id, email, rights } = user;
  return {
    id: toPortosId(id),
    isVirtual: false,
    name: fullName(user) ?? email,
    userName: email,
    featureName: null,
    rights,
    device: {
      name: session.deviceName,
      envName: session.environment,
      description: null,
      preferences: {},
      settings: {},
    },
  };
}

/** ISO 8601 in UTC; the fraction of a second has no zeros at its end. */
export function toPortosInstant(instant: Date): string {
  return isoInstant(instant).replace(/\.?0+Z$/, 'Z');
}

/** @throws Refusal invalid_document; blank, invalid, too_long at the members */
export function readSignIn(body: unknown): SignInRequest {
  const members = membersOf(body);
  const sent = {
    userName: required(members, 'userName'),
    password: text(members, 'password'),
    otp: text(members, 'otp'),
    deviceName: required(members, 'deviceName', MAX_DEVICE_NAME),
    envName: text(members, 'envName', MAX_ENVIRONMENT),
  };
  refuseProblems(Object.values(sent));
  return {
    userName: sent.userName.value,
    password: sent.password.value,
    otp: sent.otp.value || undefined,
    deviceName: sent.deviceName.value,
    envName: sent.envName.value || null,
  };
}

/** @throws Refusal invalid_document; blank, invalid at the members */
export function readRefresh(body: unknown): { tokenId: string; refreshToken: string } {
  const members = membersOf(body);
  const sent = { tokenId: required(members, 'tokenId'), refreshToken: required(members, 'refreshToken') };
  refuseProblems(Object.values(sent));
  return { tokenId: sent.tokenId.value, refreshToken: sent.refreshToken.value };
}

/** A member as it was read, or what is wrong with it. */
interface Member {
  readonly value: string;
  readonly problem?: Problem;
}

/** The members by their names in lower case: clients write `UserName` as well as `userName` (CONTRACTS.md §5.1). */
function membersOf(body: unknown): ReadonlyMap<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new Refusal('invalid_document');
  const members = new Map<string, unknown>();
  for (const [written, value] of Object.entries(body)) {
    const name = written.toLowerCase();
    if (members.has(name)) {
      throw new Refusal('bad_request', { detail: 'The body names one member twice' });
    }
    members.set(name, value);
  }
  return members;
}

function required(members: ReadonlyMap<string, unknown>, name: string, most?: number): Member {
  const member = text(members, name, most);
  return member.problem === undefined && member.value.trim() === '' ? wrong('blank', name) : member;
}

/** A text; what is absent or null is empty. @param most characters, where it will be kept */
function text(members: ReadonlyMap<string, unknown>, name: string, most?: number): Member {
  const value = members.get(name.toLowerCase()) ?? '';
  if (typeof value !== 'string') return wrong('invalid', name);
  if (most === undefined) return { value };
  if (value.includes('\0') || !isWellFormed(value)) return wrong('invalid', name);
  return [...value].length > most ? wrong('too_long', name) : { value };
}

function wrong(reason: Reason, attribute: string): Member {
  return { value: '', problem: { reason, attribute } };
}

function refuseProblems(members: readonly Member[]): void {
  const [first, ...others] = members.flatMap(({ problem }) => problem ?? []);
  if (first) throw Refusal.of([first, ...others]);
}
