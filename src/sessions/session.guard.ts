import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { Caller } from '../caller.js';
import { AuditLog } from '../events/audit-log.js';
import { accessOf, type Access, type CalledRequest } from '../http/access.js';
import { clientAddress } from '../http/client-address.js';
import { SAFE_METHODS } from '../http/safe-methods.js';
import { wireFor, WIRES, type Presented, type Wire } from '../http/wire.js';
import { Refusal, type Reason } from '../refusal.js';
import { BrowsersService, type BrowserUser, type RecognisedBrowser } from './browsers.service.js';
import { credentialOf } from './credential.js';
import { SessionsService } from './sessions.service.js';
import type { BriefCaller } from './signed-in.js';
import { WriteMarks } from './write-marks.js';

/**
 * The one place where a request gets its caller and where it is decided whether a route is open to them. Global:
 * it runs before every route of every API, and refuses a route that does not say who may call it.
 */
@Injectable()
export class SessionGuard implements CanActivate {
  constructor(
    private readonly sessions: SessionsService,
    private readonly browsers: BrowsersService,
    private readonly marks: WriteMarks,
    private readonly audit: AuditLog,
    @Inject(WIRES) private readonly wires: readonly Wire[],
  ) {}

  /** @throws Refusal unauthenticated, credentials_conflict, otp_required, read_only_session, not_interactive */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = accessOf(context.getHandler(), context.getClass());
    if (access === undefined) throw new Error('a route that does not declare who may call it');
    if (access.who === 'anyone') return true;
    const request = context.switchToHttp().getRequest<CalledRequest>();
    if (access.who === 'browser' && access.briefly) {
      const browser = await this.byBrowser<BrowserUser>(request, (...shown) =>
        this.browsers.recogniseUser(...shown),
      );
      if (browser === null) throw new Refusal('unauthenticated');
      Object.assign(request, { browser, caller: browser.caller });
      return true;
    }
    if (access.who === 'browser' || access.who === 'any_browser') {
      const onlyToRead = SAFE_METHODS.has(request.method);
      const browser = await this.byBrowser<RecognisedBrowser>(request, (...shown) =>
        this.browsers.recognise(...shown, onlyToRead),
      );
      if (browser === null && access.who === 'browser') throw new Refusal('unauthenticated');
      const caller = browser && this.browsers.callerOf(browser);
      Object.assign(request, { browser }, caller && { caller });
      if (browser !== null && !onlyReads(access, request.method)) {
        this.marks.holdAnswer(context, { browserId: browser.browser.id });
      }
      return true;
    }
    const caller = await this.callerOf(request, isBrief(access, request));
    if (caller === null) {
      if (access.who === 'optional') return true;
      throw new Refusal('unauthenticated');
    }
    request.caller = caller;
    const reason = whyNot(caller, access, request.method);
    if (reason === null) {
      caller.onlyReads = onlyReads(access, request.method);
      if (!caller.onlyReads) this.marks.holdAnswer(context, { sessionId: caller.session.id });
      return true;
    }
    const { user, session, ip } = caller;
    this.audit.record({
      action: 'request',
      userId: user.id,
      sessionId: session.id,
      actorSessionId: session.id,
      ip,
      outcome: 'refused',
      reason,
    });
    throw new Refusal(reason);
  }

  private async callerOf(request: Request, briefly: boolean): Promise<BriefCaller | null> {
    const presented = this.presentedBy(request);
    if (presented === undefined) return null;
    const caller = await this.sessions.recognise(presented.credential, clientAddress(request), briefly);
    return presented.userId === undefined || presented.userId === caller?.user.id ? caller : null;
  }

  /** What a browser's own credential is recognised as; null without one. */
  private async byBrowser<T>(
    request: Request,
    recognise: (credential: string, sessionId: string | null, ip: string) => Promise<T | null>,
  ): Promise<T | null> {
    const presented = this.presentedBy(request);
    if (presented === undefined) return null;
    const { credential, sessionId = null } = presented;
    return recognise(credential, sessionId, clientAddress(request));
  }

  private presentedBy(request: Request): Presented | undefined {
    const { readCredential = nativeCredential } = wireFor(this.wires, request.originalUrl);
    return readCredential(request);
  }
}

function nativeCredential(request: Request): Presented | undefined {
  const credential = credentialOf(request);
  return credential === undefined ? undefined : { credential };
}

/** Whether a request changes nothing: what a read-only credential may do, unless the body is a proof of its own. */
function onlyReads({ who, readOnlyToo }: Access, method: string): boolean {
  return SAFE_METHODS.has(method) || (readOnlyToo === true && who !== 'optional');
}

/** Whether the handler asks for no more of its caller than a `BriefCaller` has. */
function isBrief({ briefly }: Access, { originalUrl }: Request): boolean {
  return briefly === 'always' || (briefly === 'without_query' && !originalUrl.includes('?'));
}

function whyNot(caller: Caller, access: Access, method: string): Reason | null {
  if (caller.pending && !access.pendingToo) return 'otp_required';
  if (caller.readOnly && !access.readOnlyToo && !SAFE_METHODS.has(method)) return 'read_only_session';
  if (access.who === 'interactive' && (caller.machine || caller.readOnly)) return 'not_interactive';
  return null;
}
