import { Injectable } from '@nestjs/common';
import { OPERATOR } from '../caller.js';
import { Clock } from '../clock.js';
import { AuditLog } from '../events/audit-log.js';
import { Notices } from '../delivery/mailer.js';
import { KeysService, type JwtPayload } from '../keys/keys.service.js';
import { Refusal } from '../refusal.js';
import { NOWHERE, type Origin } from '../sessions/origin.js';
import type { Session } from '../sessions/session.entity.js';
import type { BriefCaller, SignedInCaller } from '../sessions/signed-in.js';
import { SignInsService, type MachineSessionDraft } from '../sessions/sign-ins.service.js';
import type { User } from '../users/user.entity.js';

/** The command line comes from no address and with no browser. */
const FROM_THE_COMMAND_LINE: Origin = {
  lastIp: OPERATOR.ip,
  ...NOWHERE,
  userAgent: null,
  device: null,
  platform: null,
  browser: null,
};

/** Named machine sessions, and short-lived JWTs of any session. */
@Injectable()
export class MachineTokensService {
  constructor(
    private readonly signIns: SignInsService,
    private readonly keys: KeysService,
    private readonly clock: Clock,
    private readonly audit: AuditLog,
    private readonly notices: Notices,
  ) {}

  /**
   * Opens a named machine session for the caller; no session that has ended by now gets one.
   * @returns the session with its token, shown here and never again
   * @throws Refusal step_up_required unless the caller proved themselves within the hour, with the second factor if
   *   they have one; invalid at `token_expires_at` for a moment that has passed; unauthenticated
   */
  async mint(caller: SignedInCaller, draft: MachineSessionDraft, origin: Origin): Promise<Session> {
    const { user, session: asking, ip } = caller;
    const about = { action: 'machine_token.create', userId: user.id, sessionId: asking.id, ip } as const;
    const session = await this.audit.recordRefusal(about, () => {
      if (!asking.isFresh(this.clock.now(), user.twoFactorAuth)) throw new Refusal('step_up_required');
      this.refusePast(draft);
      return this.signIns.openMachine(user, draft, origin, asking);
    });
    if (session === null) throw new Refusal('unauthenticated');
    this.tell(user, session);
    return session;
  }

  /**
   * Opens a machine session for any user; for the command line.
   * @throws Refusal invalid at `token_expires_at` for a moment that has passed; not_found for a closed user
   */
  async mintFor(user: User, draft: MachineSessionDraft): Promise<Session> {
    this.refusePast(draft);
    const session = await this.signIns.openMachine(user, draft, FROM_THE_COMMAND_LINE, null);
    if (session === null) throw new Refusal('not_found');
    this.tell(user, session);
    return session;
  }

  /**
   * A read-only JWT of the caller's session, valid for so many seconds, and no longer than the session or the JWT
   * that asked for it.
   */
  async mintJwt(
    caller: BriefCaller,
    expiresInSeconds: number,
  ): Promise<{ jwt: string; payload: JwtPayload }> {
    const ends = [caller.session.expiresAt, caller.jwtExpiresAt].filter((end) => end !== null);
    const exp = Math.min(
      this.clock.seconds() + expiresInSeconds,
      ...ends.map((end) => Math.floor(end.getTime() / 1000)),
    );
    const payload: JwtPayload = { user_id: Number(caller.user.id), exp, type: 'read-only' };
    const jwt = await this.keys.sign(caller.session.id, payload);
    const { user, session, ip } = caller;
    const about = { userId: user.id, sessionId: session.id, actorSessionId: session.id, ip };
    this.audit.record({ action: 'jwt.create', ...about, outcome: 'ok' });
    return { jwt, payload };
  }

  private refusePast({ expiresAt }: MachineSessionDraft): void {
    if (expiresAt !== null && expiresAt <= this.clock.now()) {
      throw new Refusal('invalid', { attribute: 'token_expires_at' });
    }
  }

  private tell(user: User, session: Session): void {
    this.notices.send({
      to: user.email,
      subject: 'A machine token was created',
      text: `A machine token named "${session.name}" was created for your account.`,
    });
  }
}
