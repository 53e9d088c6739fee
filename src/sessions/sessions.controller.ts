import {
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  Put,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import type { Request, Response } from 'express';
import { may } from '../caller.js';
import { Anyone, OptionallySignedIn, SignedIn, WhoCalls } from '../http/access.js';
import { clientAddress } from '../http/client-address.js';
import { answerCollection, answerMeta, answerNothing, answerResource } from '../json-api/answer.js';
import { readAttributes, readRelated, readResource } from '../json-api/document.js';
import { isId, pathId } from '../json-api/path-id.js';
import { readFilter, readListQuery, readQuery, type ListQuery, type Query } from '../json-api/query.js';
import { NEWEST_FIRST } from '../page.js';
import { Refusal } from '../refusal.js';
import { PasswordGuard } from './password.strategy.js';
import { NOBODY, SecondFactorsService } from './second-factors.service.js';
import { OtpValidation, SessionDescription } from './session.attributes.js';
import { SESSION_AND_USER, WHOLE_SESSION } from './session.columns.js';
import type { Session } from './session.entity.js';
import { OUTLINE, outlineResource, renewableBy, sessionResource } from './session.resource.js';
import { SessionsService } from './sessions.service.js';
import type { SessionEdits } from './sessions.store.js';
import { SignedInCaller, type BriefCaller } from './signed-in.js';

/** `/api/v2/sessions`: the contract's routes, and those that a session's owner expects beside them. */
@Controller('api/v2/sessions')
export class SessionsController {
  constructor(
    private readonly sessions: SessionsService,
    private readonly secondFactors: SecondFactorsService,
  ) {}

  @Get('current')
  @SignedIn({ briefly: 'without_query' })
  current(@Req() request: Request, @Res() response: Response, @WhoCalls() caller: BriefCaller): void {
    const query = readQuery(request, sessionResource);
    if (caller instanceof SignedInCaller)
      answerResource(response, 200, sessionResource, caller.session, query);
    else answerResource(response, 200, outlineResource, caller.session, query);
  }

  @Get()
  @SignedIn({ briefly: 'always' })
  async list(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: BriefCaller,
  ): Promise<void> {
    const query = readListQuery(request, sessionResource, NEWEST_FIRST);
    if (isPlain(query)) {
      const outlines = await this.sessions.list(caller, query.page, query.everyone, OUTLINE);
      return answerCollection(request, response, outlineResource, outlines, query);
    }
    const all = query.include?.has('user') ? SESSION_AND_USER : WHOLE_SESSION;
    const slice = await this.sessions.list(caller, query.page, query.everyone, all);
    refuseForeignUsers(caller, query, slice.rows);
    answerCollection(request, response, sessionResource, slice, query);
  }

  /** The guard has opened the session; what is left is to show it. */
  @Post()
  @Anyone()
  @UseGuards(PasswordGuard)
  signIn(@Req() request: Request & { user: Session }, @Res() response: Response): void {
    const query = readQuery(request, sessionResource);
    const location = `/api/v2/sessions/${request.user.id}`;
    const meta = renewableBy(request.user);
    answerResource(response, 201, sessionResource, request.user, query, { location, meta });
  }

  @Post('revoke')
  @HttpCode(200)
  @SignedIn()
  async revoke(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: SignedInCaller,
  ): Promise<void> {
    const revoked = await this.sessions.revoke(caller, readFilter(request, sessionResource));
    answerMeta(response, 200, { revoked });
  }

  @Put(':id/validate_otp')
  @OptionallySignedIn()
  async validateOtp(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: SignedInCaller | undefined,
    @Param('id') id: string,
  ): Promise<void> {
    const query = readQuery(request, sessionResource);
    const sent = readResource(request, sessionResource, { id, anyId: true });
    const { otp, password } = readAttributes(OtpValidation, sent, sessionResource);
    const proof = { otp, password, userId: readRelated(sent, 'user', 'users') };
    // What cannot be an id is a session that does not fit, like any unknown one: the same 401.
    const known = isId(id) ? id : NOBODY;
    const session = await this.secondFactors.validateOtp(known, proof, caller, clientAddress(request));
    answerResource(response, 200, sessionResource, session, query);
  }

  @Get(':id')
  @SignedIn()
  async read(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: SignedInCaller,
    @Param('id') id: string,
  ): Promise<void> {
    const query = readQuery(request, sessionResource);
    const session = await this.sessions.read(caller, pathId(id));
    refuseForeignUsers(caller, query, [session]);
    answerResource(response, 200, sessionResource, session, query);
  }

  @Patch(':id')
  @SignedIn()
  async describe(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: SignedInCaller,
    @Param('id') id: string,
  ): Promise<void> {
    const query = readQuery(request, sessionResource);
    const stored = await this.sessions.read(caller, pathId(id));
    refuseForeignUsers(caller, query, [stored]);
    const sent = readResource(request, sessionResource, { id });
    const owner = readRelated(sent, 'user', 'users');
    if (owner !== undefined && owner !== stored.userId) {
      throw new Refusal('forbidden', { member: 'data/relationships/user' }); // JSON:API 1.1, Updating a Resource's Relationships
    }
    const described = readAttributes(SessionDescription, sent, sessionResource, stored);
    const session = await this.sessions.describe(caller, id, editsOf(described));
    answerResource(response, 200, sessionResource, session, query);
  }

  @Delete(':id')
  @SignedIn({ pendingToo: true })
  async end(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: SignedInCaller,
    @Param('id') id: string,
  ): Promise<void> {
    readQuery(request, sessionResource);
    await this.sessions.end(caller, pathId(id));
    answerNothing(response);
  }
}

/** Whether a list shows of its sessions what it shows unasked, and is in an order that no more is read for. */
function isPlain({ include, fields, page }: ListQuery): boolean {
  return include === null && !fields.has(sessionResource.type) && page.sort === NEWEST_FIRST;
}

/** Who may see others' sessions may not therefore see who they are: that is `user.read`, as at `/users`. */
function refuseForeignUsers(
  caller: BriefCaller,
  { include }: Query,
  sessions: readonly Pick<Session, 'userId'>[],
): void {
  if (!include?.has('user') || may(caller, 'user.read')) return;
  if (sessions.every(({ userId }) => userId === caller.user.id)) return;
  throw new Refusal('forbidden', { parameter: 'include' });
}

/** Null says nothing of `metadata`: whoever has not asked for it by name sends null back for it. */
function editsOf(sent: SessionDescription): SessionEdits {
  return {
    name: sent.name,
    note: sent.note,
    deviceName: sent.device_name,
    environment: sent.environment,
    metadata: sent.metadata ?? undefined,
    organizationId: sent.organization_id == null ? sent.organization_id : String(sent.organization_id),
  };
}
