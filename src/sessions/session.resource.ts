import type { Resource } from '../json-api/resource.js';
import { writeInstant } from '../json-api/write-value.js';
import { hashToken } from '../secrets.js';
import { userResource } from '../users/user.resource.js';
import { Outline, type Outlined } from './session.columns.js';
import type { Session } from './session.entity.js';

/** What a list shows of a session unless more is asked for. */
export const OUTLINE = new Outline([
  'name',
  'note',
  'lastIp',
  'location',
  'device',
  'platform',
  'browser',
  'machine',
  'readOnly',
  'lastActivityAt',
  'expiresAt',
  'secondFactorVerifiedAt',
  'singleSignOn',
]);

/** The attributes of the contract, in its order: what is shown of a session unless more is asked for by name. */
const shown: Resource<Outlined<typeof OUTLINE>>['attributes'] = {
  name: { read: (session) => session.name, kind: 'text', field: 'name', nullable: true },
  note: { read: (session) => session.note, kind: 'text', nullable: true },
  user_id: { read: (session) => Number(session.userId), kind: 'integer', field: 'userId', allowsAll: true },
  token: {
    read: (session) => session.token ?? null,
    kind: 'text',
    nullable: true,
  },
  last_ip: {
    read: (session) => session.lastIp,
    kind: 'text',
    field: 'lastIp',
    nullable: true,
    moves: true,
  },
  location: {
    read: (session) => session.location,
    kind: 'text',
    field: 'location',
    nullable: true,
    moves: true,
  },
  device: { read: (session) => session.device, kind: 'text', field: 'device', nullable: true },
  platform: { read: (session) => session.platform, kind: 'text', field: 'platform', nullable: true },
  browser: { read: (session) => session.browser, kind: 'text', field: 'browser', nullable: true },
  machine: { read: (session) => session.machine, kind: 'boolean', field: 'machine', initial: false },
  read_only: { read: (session) => session.readOnly, kind: 'boolean', field: 'readOnly', initial: false },
  last_activity_at: {
    read: (session) => session.lastActivityAt,
    kind: 'instant',
    field: 'lastActivityAt',
    moves: true,
  },
  token_expires_at: {
    read: (session) => session.expiresAt,
    kind: 'instant',
    field: 'expiresAt',
    nullable: true,
    moves: true,
  },
  two_factor_auth: {
    read: (session) => session.secondFactorVerifiedAt !== null,
    kind: 'boolean',
    field: 'twoFactorAuth',
    initial: false,
  },
  single_sign_on: {
    read: (session) => session.singleSignOn,
    kind: 'boolean',
    field: 'singleSignOn',
    initial: false,
  },
  agent_first_name: { read: () => null, kind: 'text', nullable: true },
  agent_last_name: { read: () => null, kind: 'text', nullable: true },
  agent_avatar: { read: () => null, kind: 'text', nullable: true },
};

/** The wire form of a session of which no more is read than is shown unasked: for lists. */
export const outlineResource: Resource<Outlined<typeof OUTLINE>> = {
  type: 'sessions',
  id: (session) => session.id,
  attributes: shown,
  relationships: { user: { resource: userResource, read: (session) => session.user } },
};

/**
 * The wire form of a session, with exactly the attributes of the contract, in its order; those marked `byName`
 * are sent when `fields[sessions]` asks for them (DECISIONS.md, Native 13).
 */
export const sessionResource: Resource<Session> = {
  ...outlineResource,
  attributes: {
    ...shown,
    token: {
      ...shown.token!,
      matches: (session, sent) => typeof sent === 'string' && hashToken(sent).equals(session.tokenHash),
    },
    created_at: { read: (session) => session.createdAt, kind: 'instant', field: 'createdAt', byName: true },
    status: { read: (session) => session.status, kind: 'text', byName: true },
    user_agent: { read: (session) => session.userAgent, kind: 'text', nullable: true, byName: true },
    version: { read: (session) => session.version, kind: 'integer', byName: true, moves: true },
    ...details(),
  },
};

/** What more is known of a session: all `byName`. */
function details(): Resource<Session>['attributes'] {
  const byName = { byName: true } as const;
  const optional = { nullable: true, byName: true } as const;
  const moving = { ...optional, moves: true } as const;
  return {
    changed_at: {
      read: (session) => session.changedAt,
      kind: 'instant',
      field: 'changedAt',
      moves: true,
      ...byName,
    },
    secured_until: { read: (session) => session.securedUntil(), kind: 'instant', ...moving },
    factors: { read: factors, kind: 'object', moves: true, ...byName },
    browser_id: {
      read: (session) => idOf(session.browserId),
      kind: 'integer',
      field: 'browserId',
      ...optional,
    },
    organization_id: {
      read: (session) => idOf(session.organizationId),
      kind: 'integer',
      field: 'organizationId',
      ...optional,
    },
    creator_id: {
      read: (session) => idOf(session.creatorId ?? session.userId),
      kind: 'integer',
      field: 'creatorId',
      ...byName,
    },
    device_name: { read: (session) => session.deviceName, kind: 'text', field: 'deviceName', ...optional },
    environment: { read: (session) => session.environment, kind: 'text', field: 'environment', ...optional },
    city: { read: (session) => session.city, kind: 'text', ...moving },
    country: { read: (session) => session.country, kind: 'text', ...moving },
    latitude: { read: (session) => session.latitude, kind: 'number', ...moving },
    longitude: { read: (session) => session.longitude, kind: 'number', ...moving },
    fingerprint: { read: (session) => session.fingerprint, kind: 'text', field: 'fingerprint', ...optional },
    agent: { read: (session) => session.agent, kind: 'object', ...optional },
    metadata: { read: (session) => session.metadata, kind: 'object', initial: {}, ...byName },
    lifetime_seconds: { read: (session) => session.lifetimeSeconds, kind: 'integer', ...optional },
    refreshable: {
      read: (session) => session.refreshTokenHash !== null,
      kind: 'boolean',
      initial: false,
      ...byName,
    },
  };
}

function idOf(id: string | null): number | null {
  return id === null ? null : Number(id);
}

/** When each factor was last proved in a session. */
function factors(session: Session): Record<string, string | null> {
  const stamps = {
    password: session.passwordVerifiedAt,
    email_code: session.emailCodeVerifiedAt,
    sms_code: session.smsCodeVerifiedAt,
    totp: session.totpVerifiedAt,
    recovery_code: session.recoveryCodeVerifiedAt,
  };
  return Object.fromEntries(
    Object.entries(stamps).map(([name, at]) => [name, at === null ? null : writeInstant(at)]),
  );
}

/** The member `meta` of an answer with a session: the token that renews it, where it was just minted. */
export function renewableBy({ refreshToken }: Session): object {
  return refreshToken === undefined ? {} : { refresh_token: refreshToken };
}
