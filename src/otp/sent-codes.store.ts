import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { prepared } from '../database/prepared.js';
import type { Channel } from '../delivery/messenger.js';
import type { SentCode } from './sent-code.entity.js';

/** Tries for one purpose, over all codes sent for it (DECISIONS.md, All APIs 7). */
const MAX_ATTEMPTS = 5;
/** Codes by one channel to one user within an hour. */
export const MAX_SENDINGS_AN_HOUR = 10;
const PURGED_AT_ONCE = 100;

/** What one code is for: a purpose has one code for each channel at most. */
export type Target = Pick<SentCode, 'userId' | 'purpose' | 'channel'>;

/** All SQL on `sent_codes` and `code_sendings`. Whoever locks rows of both locks the sendings first. */
@Injectable()
export class SentCodesStore {
  constructor(private readonly database: DataSource) {}

  /**
   * Notes that a code is sent to a user at this moment, if the last one by this channel is old enough and there were
   * fewer than ten in the last hour: true for exactly one of many callers.
   */
  async noteSending(
    manager: EntityManager,
    userId: string,
    channel: Channel,
    { now, notSince, hourAgo }: { now: Date; notSince: Date; hourAgo: Date },
  ): Promise<boolean> {
    const rows = await prepared(
      manager,
      'code_sending_note',
      `INSERT INTO code_sendings AS c (user_id, channel, sent_at) VALUES ($1, $2, ARRAY[$3::timestamptz])
       ON CONFLICT (user_id, channel) DO UPDATE
         SET sent_at = array_append(ARRAY(SELECT at FROM unnest(c.sent_at) AS at WHERE at > $5), $3::timestamptz)
         WHERE NOT EXISTS (SELECT FROM unnest(c.sent_at) AS at WHERE at > $4)
           AND (SELECT count(*) FROM unnest(c.sent_at) AS at WHERE at > $5) < ${MAX_SENDINGS_AN_HOUR}
       RETURNING c.user_id`,
      [userId, channel, now, notSince, hourAgo],
    );
    return rows.length === 1;
  }

  /** When codes were sent by this channel after a moment, the newest first; no more than matter for the limit. */
  async sendingsSince(
    manager: EntityManager,
    userId: string,
    channel: Channel,
    since: Date,
  ): Promise<Date[]> {
    const rows = await prepared<{ at: Date }>(
      manager,
      'code_sendings_since',
      `SELECT at FROM code_sendings c, unnest(c.sent_at) AS at
       WHERE c.user_id = $1 AND c.channel = $2 AND at > $3 ORDER BY at DESC LIMIT ${MAX_SENDINGS_AN_HOUR}`,
      [userId, channel, since],
    );
    return rows.map(({ at }) => at);
  }

  /**
   * Writes a code in the place of the one that was sent before for the same purpose; the tries stay counted until
   * that one would have expired.
   * @returns false when there are no tries left
   */
  async put(
    manager: EntityManager,
    row: Omit<SentCode, 'id' | 'user' | 'attempts'>,
    now: Date,
  ): Promise<boolean> {
    const rows = await prepared(
      manager,
      'sent_code_put',
      `INSERT INTO sent_codes AS c (user_id, purpose, channel, credentials_version, code_hash, sent_at, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (purpose, channel) DO UPDATE
         SET user_id = EXCLUDED.user_id, credentials_version = EXCLUDED.credentials_version,
           code_hash = EXCLUDED.code_hash, sent_at = EXCLUDED.sent_at, expires_at = EXCLUDED.expires_at,
           attempts = CASE WHEN c.expires_at > $8 THEN c.attempts ELSE 0 END
         WHERE c.attempts < ${MAX_ATTEMPTS} OR c.expires_at <= $8
       RETURNING c.id`,
      [
        row.userId,
        row.purpose,
        row.channel,
        row.credentialsVersion,
        row.codeHash,
        row.sentAt,
        row.expiresAt,
        now,
      ],
    );
    return rows.length === 1;
  }

  /** The code that was sent for this, while it has not expired. */
  async find({ userId, purpose, channel }: Target, now: Date): Promise<SentCode | null> {
    const rows = await prepared<SentCode>(
      this.database,
      'sent_code_find',
      `SELECT ${SENT_CODE} FROM sent_codes WHERE purpose = $1 AND channel = $2 AND user_id = $3 AND expires_at > $4`,
      [purpose, channel, userId, now],
    );
    return rows[0] ?? null;
  }

  /** Counts a try before it is looked at. @returns the code to hold it against; null without one, or tries left */
  async countAttempt({ userId, purpose, channel }: Target, now: Date): Promise<SentCode | null> {
    const rows = await prepared<SentCode>(
      this.database,
      'sent_code_count_attempt',
      `UPDATE sent_codes SET attempts = attempts + 1
       WHERE purpose = $1 AND channel = $2 AND user_id = $3 AND expires_at > $4 AND attempts < ${MAX_ATTEMPTS}
       RETURNING ${SENT_CODE}`,
      [purpose, channel, userId, now],
    );
    return rows[0] ?? null;
  }

  /** Spends a code: true for exactly one caller, and for none once another was sent in its place. */
  async spend(manager: EntityManager, { id, codeHash }: SentCode, now: Date): Promise<boolean> {
    const rows = await prepared(
      manager,
      'sent_code_spend',
      'DELETE FROM sent_codes WHERE id = $1 AND code_hash = $2 AND expires_at > $3 RETURNING id',
      [id, codeHash, now],
    );
    return rows.length === 1;
  }

  /** Deletes some codes that have expired; leaves alone what someone else is at. @returns how many */
  async purge(now: Date, runner: DataSource | EntityManager = this.database): Promise<number> {
    const rows = await prepared(
      runner,
      'sent_codes_purge',
      `DELETE FROM sent_codes WHERE id IN (
         SELECT id FROM sent_codes WHERE expires_at <= $1 ORDER BY id LIMIT ${PURGED_AT_ONCE} FOR UPDATE SKIP LOCKED)
       RETURNING id`,
      [now],
    );
    return rows.length;
  }
}

const SENT_CODE = `id, user_id AS "userId", purpose, channel, credentials_version AS "credentialsVersion",
  code_hash AS "codeHash", attempts, sent_at AS "sentAt", expires_at AS "expiresAt"`;
