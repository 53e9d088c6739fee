import { Injectable, type ExecutionContext } from '@nestjs/common';
import { AuthGuard, PassportStrategy } from '@nestjs/passport';
import type { Request } from 'express';
import { Strategy } from 'passport-local';
import { readAttributes, readResource } from '../json-api/document.js';
import { readQuery } from '../json-api/query.js';
import { Refusal } from '../refusal.js';
import { Origins } from './origin.js';
import { SignIn } from './session.attributes.js';
import type { Session } from './session.entity.js';
import { sessionResource } from './session.resource.js';
import { SignInsService } from './sign-ins.service.js';

/** passport-local over a JSON:API document: the session that the credentials open is what passport calls the user. */
@Injectable()
export class PasswordStrategy extends PassportStrategy(Strategy) {
  constructor(
    private readonly signIns: SignInsService,
    private readonly origins: Origins,
  ) {
    super({
      usernameField: 'data[attributes][email]',
      passwordField: 'data[attributes][password]',
      passReqToCallback: true,
    });
  }

  /** Called by passport. @throws Refusal too_many_sign_ins, busy */
  async validate(request: Request, email: string, password: string): Promise<Session | null> {
    const { name = null, note = null } = readSignIn(request);
    const origin = this.origins.describe(request.ip ?? '', request.headers['user-agent']);
    return this.signIns.signIn(email, password, { name, note }, origin);
  }
}

/** Runs passport on a document that is known to be well-formed, and says its refusals in our words. */
@Injectable()
export class PasswordGuard extends AuthGuard('local') {
  /** @throws Refusal for a malformed document or query; blank at `email` and `password` */
  override canActivate(context: ExecutionContext) {
    const request = context.switchToHttp().getRequest<Request>();
    readQuery(request, sessionResource);
    readSignIn(request);
    return super.canActivate(context);
  }

  /** @throws Refusal unauthenticated */
  override handleRequest<T>(error: Error | null, session: T | false | null): T {
    if (error) throw error;
    if (!session) throw new Refusal('unauthenticated');
    return session;
  }
}

function readSignIn(request: Request): SignIn {
  return readAttributes(SignIn, readResource(request, sessionResource), sessionResource);
}
