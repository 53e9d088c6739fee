import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { prepared } from '../database/prepared.js';
import { asOwnedSession, LIVE, OWNER, SESSION, type OwnedSession } from './session.rows.js';

/** The hashes of a session's token and of the token that renews it. */
export interface TokenHashes {
  readonly token: Buffer;
  readonly refreshToken: Buffer;
}

/** All SQL on refresh tokens. */
@Injectable()
export class RenewalsStore {
  /**
   * Puts new tokens in the place of those of a live session, which lives on from now. Of many callers with the same
   * tokens one finds them still there.
   * @param slideSeconds how long a session without a lifetime of its own lives
   */
  async renew(
    manager: EntityManager,
    present: TokenHashes,
    next: TokenHashes,
    slideSeconds: number,
    now: Date,
  ): Promise<OwnedSession | null> {
    const rows = await prepared<Record<string, unknown>>(
      manager,
      'session_renew',
      `UPDATE sessions s SET token_hash = $4, refresh_token_hash = $5, version = version + 1, changed_at = $1,
         expires_at = $1 + make_interval(secs => coalesce(s.lifetime_seconds, $6::int))
       FROM users u
       WHERE ${LIVE} AND s.token_hash = $2 AND s.refresh_token_hash = $3 AND u.id = s.user_id AND u.status = 'active'
       RETURNING ${SESSION}, ${OWNER}`,
      [now, present.token, present.refreshToken, next.token, next.refreshToken, slideSeconds],
    );
    return asOwnedSession(rows[0]);
  }
}
