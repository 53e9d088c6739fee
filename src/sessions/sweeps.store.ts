import { Injectable } from '@nestjs/common';
import { DataSource, EntityManager } from 'typeorm';
import { prepared, unprepared } from '../database/prepared.js';
import { whereOf } from '../database/where-of.js';
import type { Filter } from '../page.js';
import type { CredentialChange } from '../users/credential-changes.js';
import type { MembershipEnd } from '../users/membership-ends.js';
import type { Place } from './origin.js';
import { LISTED, LIVE } from './session.rows.js';
import { scopeId, type Scope } from './sessions.store.js';

/** One stamp of activity, to be written with many others. */
export interface ActivityStamp {
  readonly sessionId: string;
  readonly at: Date;
  readonly ip: string;
  readonly place: Place;
}

/**
 * SQL that changes many sessions at once. Rows are locked in the order of their ids: two sweeps cannot deadlock. Active
 * and pending ones are looked for apart, for each have an index of their own: by a sub-select that is done before the
 * rows are locked. Joined to them instead, it made PostgreSQL 18 lose rows that somebody changed while they were waited for.
 */
@Injectable()
export class SweepsStore {
  constructor(private readonly database: DataSource) {}

  /** Ends every live session that the filter keeps, the spared one apart. @returns how many */
  async revokeAll(
    manager: EntityManager,
    filter: Filter | null,
    scope: Scope,
    spareId: string,
    now: Date,
  ): Promise<number> {
    const values: unknown[] = [now, scopeId(scope), spareId];
    const kept = whereOf(LISTED, filter, values);
    const statement = `WITH kept AS (
         SELECT s.id FROM sessions s
         WHERE ${LIVE} AND ($2::bigint IS NULL OR s.user_id = $2) AND s.id <> $3 AND (${kept})
         ORDER BY s.id FOR UPDATE OF s)
       UPDATE sessions s SET status = 'revoked', ended_at = $1, version = version + 1, changed_at = $1
       FROM kept WHERE s.id = kept.id RETURNING s.id`;
    const ended = await unprepared(manager, statement, values);
    // Twice: it does not see a machine session that one of them minted while it waited for that one.
    const minted = await unprepared(manager, statement, values);
    return ended.length + minted.length;
  }

  /**
   * Ends what a change of someone's credentials ends; the kept session learns of a factor that was proved in it.
   * @returns false when the session that makes the change is not live at this very moment; nothing is ended then
   */
  async applyCredentialChange(manager: EntityManager, change: CredentialChange, now: Date): Promise<boolean> {
    const { userId, ends, bySessionId, keepsIt, secondFactorProved } = change;
    const locked = await prepared<{ id: string; userId: string; isLive: boolean }>(
      manager,
      'sessions_lock_for_credentials',
      `SELECT id, user_id AS "userId", status = 'active' AND (expires_at IS NULL OR expires_at > $2) AS "isLive"
       FROM sessions WHERE id = ANY (ARRAY(
         SELECT id FROM sessions WHERE status = 'active' AND user_id = $1 AND ($3 OR NOT machine)
         UNION ALL SELECT id FROM sessions WHERE status = 'pending_otp' AND user_id = $1
         UNION ALL SELECT $4::bigint))
       ORDER BY id FOR UPDATE`,
      [userId, now, ends === 'all', bySessionId],
    );
    if (bySessionId !== null && !locked.some(({ id, isLive }) => id === bySessionId && isLive)) return false;
    const ending = locked.filter((one) => one.userId === userId && !(keepsIt && one.id === bySessionId));
    await prepared(
      manager,
      'sessions_end_for_credentials',
      `UPDATE sessions SET status = 'revoked', ended_at = $2, version = version + 1, changed_at = $2
       WHERE id = ANY ($1::bigint[]) AND status IN ('active', 'pending_otp')`,
      [ending.map(({ id }) => id), now],
    );
    if (keepsIt && secondFactorProved) {
      await prepared(
        manager,
        'session_second_factor_proved',
        `UPDATE sessions SET otp_verified_at = $2, totp_verified_at = $2, version = version + 1, changed_at = $2
         WHERE id = $1 AND status = 'active' AND NOT machine`,
        [bySessionId, now],
      );
    }
    return true;
  }

  /** Takes an organisation off the sessions of users who belong to it no more. */
  async leaveOrganization(manager: EntityManager, end: MembershipEnd, now: Date): Promise<void> {
    const locked = await prepared<{ id: string }>(
      manager,
      'sessions_lock_for_organization',
      `SELECT id FROM sessions WHERE id = ANY (ARRAY(
         SELECT id FROM sessions WHERE status = 'active' AND user_id = ANY ($1) AND organization_id = $2
         UNION ALL
         SELECT id FROM sessions WHERE status = 'pending_otp' AND user_id = ANY ($1) AND organization_id = $2))
       ORDER BY id FOR UPDATE`,
      [end.userIds, end.organizationId],
    );
    await prepared(
      manager,
      'sessions_leave_organization',
      `UPDATE sessions SET organization_id = NULL, version = version + 1, changed_at = $3
       WHERE id = ANY ($1::bigint[]) AND organization_id = $2 AND status IN ('active', 'pending_otp')`,
      [locked.map(({ id }) => id), end.organizationId, now],
    );
  }

  /**
   * Writes many stamps of activity in one statement; browser sessions live on from there. It never waits for the
   * disk (a crash may lose the last second of stamps and nothing else), and never touches an ended session, nor one that
   * expired before its use was written: a revocation may have passed over it since.
   */
  async stampActivity(stamps: readonly ActivityStamp[], sessionDays: number, now: Date): Promise<void> {
    const inOrder = [...stamps].sort((a, b) => (BigInt(a.sessionId) < BigInt(b.sessionId) ? -1 : 1));
    await this.database.transaction(async (manager) => {
      await manager.query('SET LOCAL synchronous_commit = off');
      await prepared(
        manager,
        'sessions_stamp_activity',
        `WITH stamps AS (
           SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[],
             $7::double precision[], $8::double precision[])
             AS t (id, at, ip, location, city, country, latitude, longitude)),
         locked AS (
           SELECT s.id FROM sessions s JOIN stamps USING (id)
           WHERE s.status = 'active' AND (s.expires_at IS NULL OR s.expires_at > $10) ORDER BY s.id FOR UPDATE OF s)
         UPDATE sessions s SET last_activity_at = stamps.at, last_ip = stamps.ip, location = stamps.location,
           city = stamps.city, country = stamps.country, latitude = stamps.latitude, longitude = stamps.longitude,
           expires_at = CASE WHEN s.machine OR s.lifetime_seconds IS NOT NULL THEN s.expires_at
             ELSE stamps.at + make_interval(days => $9::int) END
         FROM stamps JOIN locked USING (id)
         WHERE s.id = stamps.id AND s.status = 'active' AND s.last_activity_at < stamps.at`,
        [
          inOrder.map((stamp) => stamp.sessionId),
          inOrder.map((stamp) => stamp.at),
          inOrder.map((stamp) => stamp.ip),
          ...(['location', 'city', 'country', 'latitude', 'longitude'] as const).map((part) =>
            inOrder.map(({ place }) => place[part]),
          ),
          sessionDays,
          now,
        ],
      );
    });
  }
}
