import { createHmac } from 'node:crypto';
import { isoInstant } from '../../json-api/iso-instant.js';
import type { Condition, Filter, Page } from '../../page.js';
import { Outline, type Outlined } from '../../sessions/session.columns.js';
import type { Session } from '../../sessions/session.entity.js';
import { fullName } from '../../users/full-name.js';
import { e164 } from '../../users/phone-number.js';
import type { User } from '../../users/user.entity.js';

/** An id as Lendix writes it: 24 lower-case hex digits. */
export function toLendixId(id: string): string {
  return BigInt(id).toString(16).padStart(24, '0');
}

/** The id that 24 lower-case hex digits stand for; undefined for what can be the id of nothing. */
export function fromLendixId(text: string): string | undefined {
  if (!/^0{8}[0-9a-f]{16}$/.test(text)) return undefined;
  const id = BigInt(`0x${text}`);
  return id >= 1n && id < 2n ** 63n ? id.toString() : undefined;
}

/** A credential as the core knows it: 32 hex digits are a token without its hyphens; whatever else stays as it is. */
export function fromLendixToken(text: string): string {
  return text.replace(
    /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/,
    '$1-$2-$3-$4-$5',
  );
}

/** What a list shows of a session. */
export const OUTLINE = new Outline([
  'emailCodeVerifiedAt',
  'smsCodeVerifiedAt',
  'totpVerifiedAt',
  'recoveryCodeVerifiedAt',
  'location',
  'longitude',
  'latitude',
  'userAgent',
  'lastActivityAt',
  'createdAt',
]);
type Listed = Outlined<typeof OUTLINE>;

/** A session as a list shows it (lendix.txt, GET /sessions). */
export function showSession(session: Listed, now: Date): object {
  return {
    id: toLendixId(session.id),
    token: session.token?.replaceAll('-', '') ?? null,
    secured: session.isSecured(now),
    location: locationOf(session),
    userAgent: session.userAgent,
    lastAccessDate: isoInstant(session.lastActivityAt),
    creation: wholeSeconds(session.createdAt),
  };
}

/** What is said of a user beside the row. */
export interface Beside {
  /** INTERCOM_SECRET. */
  readonly intercomSecret: string | undefined;
  /** The status is shown at sign-in only, as the document's examples have it. */
  readonly withStatus?: boolean;
  /** The organisation that the session acts for; undefined where businesses are not shown. */
  readonly business?: { readonly id: string; readonly name: string } | null;
}

/**
 * A user as they are embedded in a session (lendix.txt, GET /sessions/:id; CONTRACTS.md 4.3). What Lendix knows and the
 * core has no column for is what administrators wrote into the user's metadata, by Lendix's names; what is not set
 * is left out.
 */
export function showUser(user: User, beside: Beside): object {
  const { metadata } = user;
  const id = toLendixId(user.id);
  return withoutUndefined({
    id,
    name: fullName(user) ?? user.email,
    picture: textOf(metadata.picture),
    isFinsquare: false,
    creation: wholeSeconds(user.createdAt),
    email: user.email,
    type: user.rights.includes('*') ? 'admin' : (textOf(metadata.type) ?? 'user'),
    phone: phoneOf(user),
    credit: numberOf(metadata.credit),
    status: beside.withStatus ? (user.status === 'active' ? 'activated' : 'closed') : undefined,
    rights: user.rights,
    gender: textOf(metadata.gender),
    slug: textOf(metadata.slug),
    tax: numberOf(metadata.tax),
    taxResidency: textOf(metadata.taxResidency),
    settings: settingsOf(user),
    business: beside.business === undefined ? undefined : businessOf(user, beside.business),
    intercomHash:
      beside.intercomSecret === undefined
        ? undefined
        : createHmac('sha256', beside.intercomSecret).update(id).digest('hex'),
  });
}

/** Where a page of a list begins or ends: right behind or before a session of it. */
export interface Bounds {
  readonly after: Session | null;
  readonly before: Session | null;
  readonly limit: number;
}

const MOST_RECENTLY_USED_FIRST = [
  { field: 'lastActivityAt', descending: true },
  { field: 'id', descending: true },
] as const;

/**
 * The page of a before/after query (DECISIONS.md, Lendix): the sessions right behind `after`, or those right in front
 * of `before`. What its filter keeps beyond its rows is what remains in that direction.
 */
export function toPage({ after, before, limit }: Bounds): Page {
  const members = [
    ...(after === null ? [] : [beyond(after, 'lt')]),
    ...(before === null ? [] : [beyond(before, 'gt')]),
  ];
  return {
    filter: members.length === 0 ? null : { combine: 'and', members },
    sort: MOST_RECENTLY_USED_FIRST,
    window:
      before !== null && after === null
        ? { kind: 'before', place: null, limit }
        : { kind: 'offset', offset: 0, limit },
    countTotal: true,
  };
}

/** Strictly behind (`lt`) or in front of (`gt`) a session in that order. */
function beyond({ id, lastActivityAt }: Session, operator: 'lt' | 'gt'): Filter {
  const used = (by: Condition['operator']): Condition => ({
    field: 'lastActivityAt',
    operator: by,
    values: [lastActivityAt],
  });
  const sameTime: Filter = {
    combine: 'and',
    members: [used('eq'), { field: 'id', operator, values: [id] }],
  };
  return { combine: 'or', members: [used(operator), sameTime] };
}

function locationOf({ longitude, latitude, location }: Listed): object | null {
  if (longitude === null || latitude === null) return null;
  return { lng: longitude, lat: latitude, name: location ?? '' };
}

/** A number in E.164 form, split after its country code: none begins another (ITU-T E.164, assigned country codes). */
const NUMBER = /^\+(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})(\d+)$/;

function phoneOf(user: User): object | undefined {
  const [, countryCode, number] = NUMBER.exec(e164(user.phoneNumber) ?? '') ?? [];
  return number === undefined ? undefined : { countryCode, number };
}

function settingsOf({ locale, metadata }: User): object {
  const { agreements } = isObject(metadata.settings) ? metadata.settings : { agreements: [] };
  return withoutUndefined({
    language: locale?.split(/[-_]/, 1)[0],
    agreements: Array.isArray(agreements) ? agreements.filter((one) => typeof one === 'string') : [],
  });
}

function businessOf({ metadata }: User, acted: Beside['business']): object | undefined {
  if (isObject(metadata.business)) return metadata.business;
  return acted ? { id: toLendixId(acted.id), name: acted.name } : undefined;
}

function wholeSeconds(at: Date): string {
  return isoInstant(at).replace(/\.\d{3}Z$/, '.000Z');
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function withoutUndefined(members: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
