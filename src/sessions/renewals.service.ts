import { Injectable } from '@nestjs/common';
import { Clock } from '../clock.js';
import { Config } from '../config.js';
import { AuditLog } from '../events/audit-log.js';
import { Refusal } from '../refusal.js';
import { hashToken, looksLikeToken, mintToken } from '../secrets.js';
import { Activity } from './activity.js';
import { RenewalsStore } from './renewals.store.js';
import type { Session } from './session.entity.js';
import { TokenJwts } from './token-jwts.js';

const DAY_SECONDS = 86_400;

/** Sessions that were opened with a refresh token live on by it. */
@Injectable()
export class RenewalsService {
  constructor(
    private readonly store: RenewalsStore,
    private readonly tokens: TokenJwts,
    private readonly activity: Activity,
    private readonly clock: Clock,
    private readonly config: Config,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Gives a live session a new token, a new refresh token and its whole lifetime anew. The tokens that were sent open
   * nothing from then on, and are taken once.
   * @param credential the session's token, plain or as a JWT
   * @returns the session with its user and both tokens, shown here and never again
   * @throws Refusal unauthenticated unless both tokens are those of one live session
   */
  async renew(credential: string, refreshToken: string, ip: string): Promise<Session> {
    const token = this.tokens.tokenOf(credential);
    const session =
      token === null || !looksLikeToken(refreshToken) ? null : await this.exchange(token, refreshToken, ip);
    if (session === null) {
      this.audit.record({ action: 'session.renew', ip, outcome: 'refused', reason: 'unauthenticated' });
      throw new Refusal('unauthenticated');
    }
    this.activity.note(session, ip);
    return session;
  }

  private exchange(token: string, refreshToken: string, ip: string): Promise<Session | null> {
    const next = { token: mintToken(), refreshToken: mintToken() };
    return this.audit.accounted(async (manager, note) => {
      const session = await this.store.renew(
        manager,
        { token: hashToken(token), refreshToken: hashToken(refreshToken) },
        { token: hashToken(next.token), refreshToken: hashToken(next.refreshToken) },
        this.config.get('SESSION_DAYS') * DAY_SECONDS,
        this.clock.now(),
      );
      if (session === null) return null;
      const { id: sessionId, userId } = session;
      note({ action: 'session.renew', userId, sessionId, actorSessionId: sessionId, ip, outcome: 'ok' });
      return Object.assign(session, next);
    });
  }
}
