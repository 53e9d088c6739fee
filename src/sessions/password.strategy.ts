import { Injectable, type ExecutionContext } from '@nestjs/common';
import { AuthGuard, PassportStrategy } from '@nestjs/passport';
import type { Request } from 'express';
import { Strategy } from 'passport-local';
import { clientAddress } from '../http/client-address.js';
import { readAttributes, readResource } from '../json-api/document.js';
import { readQuery } from '../json-api/query.js';
import { Refusal } from '../refusal.js';
import { Origins } from './origin.js';
import { SignIn } from './session.attributes.js';
import type { Session } from './session.entity.js';
import { sessionResource } from './session.resource.js';
import { SignInsService, type SignInDraft } from './sign-ins.service.js';

/** A request that knows what to do with its e-mail address and password once passport has found them. */
interface SignInRequest extends Request {
  signIn?: (email: string, password: string) => Promise<Session | null>;
}

/**
 * passport-local over a JSON:API document: the session that the credentials open is what passport calls the user.
 * It holds no service: passport keeps one strategy for the whole process, however many instances run in it.
 */
@Injectable()
export class PasswordStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({
      usernameField: 'data[attributes][email]',
      passwordField: 'data[attributes][password]',
      passReqToCallback: true,
    });
  }

  /** Called by passport. */
  async validate(request: SignInRequest, email: string, password: string): Promise<Session | null> {
    return (await request.signIn?.(email, password)) ?? null;
  }
}

/** Runs passport on a document that is known to be well-formed, and says its refusals in our words. */
@Injectable()
export class PasswordGuard extends AuthGuard('local') {
  constructor(
    private readonly signIns: SignInsService,
    private readonly origins: Origins,
  ) {
    super();
  }

  /**
   * @throws Refusal for a malformed document or query; blank at `email` and `password`; unauthenticated,
   *   too_many_sign_ins, busy
   */
  override canActivate(context: ExecutionContext) {
    const request = context.switchToHttp().getRequest<SignInRequest>();
    readQuery(request, sessionResource);
    const sent = readAttributes(SignIn, readResource(request, sessionResource), sessionResource);
    const origin = this.origins.describe(clientAddress(request), request.headers['user-agent']);
    request.signIn = (email, password) => this.signIns.signIn(email, password, draftOf(sent), origin);
    return super.canActivate(context);
  }

  /** Called by passport with what `validate` gave or threw. */
  override handleRequest<T>(error: Error | null, session: T | false | null): T {
    if (error) throw error;
    if (!session) throw new Refusal('unauthenticated');
    return session;
  }
}

function draftOf(sent: SignIn): SignInDraft {
  return {
    name: sent.name ?? null,
    note: sent.note ?? null,
    deviceName: sent.device_name ?? null,
    environment: sent.environment ?? null,
    metadata: sent.metadata ?? {},
    lifetimeSeconds: sent.lifetime_seconds ?? null,
    refreshable: sent.refreshable ?? false,
  };
}
