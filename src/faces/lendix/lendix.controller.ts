import { Body, Controller, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import type { Request } from 'express';
import { Clock } from '../../clock.js';
import { Config } from '../../config.js';
import { Anyone, SignedIn, WhoCalls } from '../../http/access.js';
import { clientAddress } from '../../http/client-address.js';
import { readParameters } from '../../json-api/query-string.js';
import { Refusal } from '../../refusal.js';
import { Origins } from '../../sessions/origin.js';
import { SecondFactorsService } from '../../sessions/second-factors.service.js';
import type { Session } from '../../sessions/session.entity.js';
import { SessionsService } from '../../sessions/sessions.service.js';
import { SignInsService } from '../../sessions/sign-ins.service.js';
import type { SignedInCaller } from '../../sessions/signed-in.js';
import { VerificationsService } from '../../sessions/verifications.service.js';
import { OrganizationsService } from '../../users/organizations.service.js';
import type { User } from '../../users/user.entity.js';
import { readListQuery, readSecuring, readSignIn, type Securing } from './requests.js';
import {
  fromLendixId,
  OUTLINE,
  showSession,
  showUser,
  toLendixId,
  toPage,
  type Beside,
} from './translate.js';

/** `/lendix/sessions`: the routes of lendix.txt. All but signing in are for the owner of the session. */
@Controller('lendix/sessions')
export class LendixController {
  constructor(
    private readonly sessions: SessionsService,
    private readonly signIns: SignInsService,
    private readonly secondFactors: SecondFactorsService,
    private readonly verifications: VerificationsService,
    private readonly organizations: OrganizationsService,
    private readonly origins: Origins,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  @Get()
  @SignedIn()
  async list(@Req() request: Request, @WhoCalls() caller: SignedInCaller): Promise<object> {
    const { limit, after, before } = readListQuery(readParameters(request));
    const page = toPage({
      limit,
      after: await this.anchor(caller, 'after', after),
      before: await this.anchor(caller, 'before', before),
    });
    const { rows, total } = await this.sessions.list(caller, page, false, OUTLINE);
    const now = this.clock.now();
    return {
      sessions: rows.map((session) => showSession(session, now)),
      remaining: Math.max(0, (total ?? 0) - rows.length), // the two were not counted at one moment
    };
  }

  @Get(':id')
  @SignedIn()
  async read(
    @Req() request: Request,
    @WhoCalls() caller: SignedInCaller,
    @Param('id') id: string,
  ): Promise<object> {
    readParameters(request);
    const session = await this.own(caller, id);
    return this.show(session, caller.user, { business: await this.businessOf(session, caller.user) });
  }

  @Post()
  @HttpCode(200)
  @Anyone()
  async signIn(@Req() request: Request, @Body() body: unknown): Promise<object> {
    readParameters(request);
    const { email, password } = readSignIn(body);
    const origin = this.origins.describe(clientAddress(request), request.headers['user-agent']);
    const session = await this.signIns.signIn(email, password, {}, origin);
    if (session?.user === undefined) throw new Refusal('unauthenticated');
    if (session.status === 'pending_otp') {
      // The second factor is still owed: whose session it is, as its next request has to say, and nothing else.
      const user = { id: toLendixId(session.userId) };
      return { session: { ...showSession(session, this.clock.now()), user } };
    }
    return this.show(session, session.user, { withStatus: true });
  }

  @Post(':id')
  @HttpCode(200)
  @SignedIn({ pendingToo: true })
  async secure(
    @Req() request: Request,
    @WhoCalls() caller: SignedInCaller,
    @Param('id') id: string,
    @Body() body: unknown,
  ): Promise<object> {
    readParameters(request);
    const asked = readSecuring(body);
    if (caller.pending) return this.show(await this.finish(caller, sessionIdOf(id), asked), caller.user, {});
    const session = await this.own(caller, id);
    if (asked.step === 'send') {
      await this.verifications.start(caller, session.id, 'first_factor', asked.strategy);
    } else await this.prove(caller, session.id, asked.code);
    return this.show(await this.sessions.read(caller, session.id), caller.user, {});
  }

  @Delete(':id')
  @SignedIn({ pendingToo: true })
  async end(
    @Req() request: Request,
    @WhoCalls() caller: SignedInCaller,
    @Param('id') id: string,
  ): Promise<object> {
    readParameters(request);
    // A session that still owes its second factor is read by nobody, and ends itself only.
    const sessionId = caller.pending ? sessionIdOf(id) : (await this.own(caller, id)).id;
    await this.sessions.end(caller, sessionId);
    return {};
  }

  /** With its app's code a pending session becomes an active one, under a new token. */
  private finish(caller: SignedInCaller, sessionId: string, asked: Securing): Promise<Session> {
    if (asked.step === 'send' || sessionId !== caller.session.id) throw new Refusal('otp_required');
    return this.secondFactors.finish(caller, asked.code);
  }

  private async prove(caller: SignedInCaller, sessionId: string, code: string): Promise<void> {
    const verification = await this.verifications.current(caller, sessionId);
    const strategy =
      verification?.awaits === 'second' ? verification.secondStrategy : verification?.firstStrategy;
    if (verification === null || (strategy !== 'sms_code' && strategy !== 'email_code')) {
      throw new Refusal('code_not_sent');
    }
    await this.verifications.attempt(caller, verification.id, { strategy, code });
  }

  /** The caller's own live session: others' are not there, whatever rights the caller holds (lendix.txt). */
  private async own(caller: SignedInCaller, id: string): Promise<Session> {
    const session = await this.sessions.read(caller, sessionIdOf(id));
    if (session.userId !== caller.user.id) throw new Refusal('not_found');
    return session;
  }

  private async anchor(
    caller: SignedInCaller,
    parameter: 'after' | 'before',
    id: string | undefined,
  ): Promise<Session | null> {
    if (id === undefined) return null;
    try {
      return await this.own(caller, id);
    } catch (error) {
      if (error instanceof Refusal) throw new Refusal('invalid_parameter', { parameter });
      throw error;
    }
  }

  private async businessOf({ organizationId }: Session, user: User): Promise<Beside['business']> {
    if (organizationId === null) return null;
    const memberships = await this.organizations.membershipsOf(user);
    const membership = memberships.find((one) => one.organizationId === organizationId);
    return membership?.organization ?? null;
  }

  private show(session: Session, user: User, beside: Omit<Beside, 'intercomSecret'>): object {
    const intercomSecret = this.config.get('INTERCOM_SECRET');
    const shownUser = showUser(user, { ...beside, intercomSecret });
    return { session: { ...showSession(session, this.clock.now()), user: shownUser } };
  }
}

/** An id of another alphabet is an unknown one (DECISIONS.md, All APIs 4). */
function sessionIdOf(text: string): string {
  const id = fromLendixId(text);
  if (id === undefined) throw new Refusal('not_found');
  return id;
}
