import type { FixtureSession } from './fixture-session.js';

/** What an attribute of a session is shown as. */
export type Shown = string | number | boolean | null;

/** A session in a list. */
export interface Row {
  readonly id: string;
  readonly attributes: Readonly<Record<string, Shown>>;
  readonly relationships?: { readonly user: object };
  readonly meta?: { readonly page: { readonly cursor: string } };
}

export const HOUR = 3_600_000;

/** Eight sessions that differ in whatever can be filtered and sorted by, with ties and with nulls. */
export function sessionsOfEveryKind(now: number): FixtureSession[] {
  const ago = (hours: number) => new Date(now - hours * HOUR);
  const ahead = (hours: number) => new Date(now + hours * HOUR);
  return [
    { name: 'laptop', lastIp: '192.0.2.1', location: 'vienna', device: 'desktop', expiresAt: ahead(48) },
    { name: 'phone', lastIp: '192.0.2.1', location: 'graz', device: 'mobile', lastActivityAt: ago(1) },
    { name: 'phone', platform: 'android', browser: 'chrome', lastActivityAt: ago(1), createdAt: ago(2) },
    { name: null, platform: 'linux', browser: 'firefox', location: '', lastActivityAt: ago(30) },
    { name: 'robot', machine: true, readOnly: true, lastIp: '10.0.1.7', createdAt: ago(24 * 40) },
    { name: 'robot', machine: true, expiresAt: ahead(48), lastActivityAt: ago(1) },
    {
      name: 'tablet',
      secondFactorVerifiedAt: ago(1),
      singleSignOn: true,
      platform: 'ios',
      browser: 'safari',
    },
    {
      name: '100% a_b',
      secondFactorVerifiedAt: ago(2),
      location: 'vienna',
      device: 'mobile',
      createdAt: ago(1),
    },
  ];
}

/** The ids in a list's document, in its order. */
export function idsOf({ data }: { data: Row[] }): string[] {
  return data.map(({ id }) => id);
}

/** Whose sessions a list's document holds. */
export function userIdsOf({ data }: { data: Row[] }): Set<Shown | undefined> {
  return new Set(data.map(({ attributes }) => attributes.user_id));
}
