import { Controller, Delete, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Config } from '../../config.js';
import { Anyone, SignedIn, WhoCalls } from '../../http/access.js';
import { clientAddress } from '../../http/client-address.js';
import { readPairs, refuseSecretsInQuery } from '../../json-api/query-string.js';
import { Refusal } from '../../refusal.js';
import { shownTo } from '../../sessions/composing-rights.js';
import { Origins } from '../../sessions/origin.js';
import { RenewalsService } from '../../sessions/renewals.service.js';
import { SessionsService } from '../../sessions/sessions.service.js';
import { SignInsService } from '../../sessions/sign-ins.service.js';
import type { SignedInCaller } from '../../sessions/signed-in.js';
import { TokenJwts } from '../../sessions/token-jwts.js';
import { readList } from './ndata.js';
import {
  fromPortosId,
  OUTLINE,
  readRefresh,
  readSignIn,
  toAuthResult,
  toDeletedSession,
  toPortosSession,
  toQueryResult,
  toRefreshTokenResult,
  toUserProfile,
} from './translate.js';

const HOUR_SECONDS = 3_600;

/** The routes of portos.txt, and those by which its clients sign in (CONTRACTS.md §5.2). */
@Controller('portos')
export class PortosController {
  constructor(
    private readonly sessions: SessionsService,
    private readonly signIns: SignInsService,
    private readonly renewals: RenewalsService,
    private readonly tokens: TokenJwts,
    private readonly origins: Origins,
    private readonly config: Config,
  ) {}

  @Post('api/auth')
  @HttpCode(200)
  @Anyone()
  async signIn(@Req() request: Request, @Res() response: Response): Promise<void> {
    refuseSecretsInQuery(request);
    const { userName, password, otp, deviceName, envName } = readSignIn(request.body);
    const lifetimeSeconds = this.config.get('PORTOS_SESSION_HOURS') * HOUR_SECONDS;
    const caller = await this.signIns.signInAtOnce(
      { email: userName, password, code: otp },
      { deviceName, environment: envName, lifetimeSeconds, refreshable: true },
      this.origins.describe(clientAddress(request), request.headers['user-agent']),
    );
    if (caller === null) throw new Refusal('unauthenticated');
    send(response, toAuthResult(caller.session, this.tokens.wrap(caller.session), caller.user));
  }

  @Get('api/auth')
  @SignedIn()
  profile(@Res() response: Response, @WhoCalls() { session, user }: SignedInCaller): void {
    send(response, toUserProfile(session, user));
  }

  @Post('api/auth/refresh')
  @HttpCode(200)
  @Anyone()
  async refresh(@Req() request: Request, @Res() response: Response): Promise<void> {
    refuseSecretsInQuery(request);
    const { tokenId, refreshToken } = readRefresh(request.body);
    const session = await this.renewals.renew(tokenId, refreshToken, clientAddress(request));
    send(response, toRefreshTokenResult(session, this.tokens.wrap(session)));
  }

  @Delete('api/auth')
  @HttpCode(204)
  @SignedIn()
  async signOut(@WhoCalls() caller: SignedInCaller): Promise<void> {
    await this.sessions.end(caller, caller.session.id);
  }

  @Get(['sessions', 'api/sessions'])
  @SignedIn()
  async list(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: SignedInCaller,
  ): Promise<void> {
    const asked = readList(readPairs(request));
    const slice = await this.sessions.list(caller, asked.page, true, OUTLINE);
    const rows = slice.rows.map((session) => shownTo(caller, session));
    send(response, toQueryResult({ ...slice, rows }, asked));
  }

  @Get(['sessions/:id', 'api/sessions/:id'])
  @SignedIn()
  async read(
    @Res() response: Response,
    @WhoCalls() caller: SignedInCaller,
    @Param('id') id: string,
  ): Promise<void> {
    send(response, toPortosSession(shownTo(caller, await this.sessions.read(caller, idOf(id)))));
  }

  @Delete(['sessions/:id', 'api/sessions/:id'])
  @HttpCode(200)
  @SignedIn()
  async end(
    @Res() response: Response,
    @WhoCalls() caller: SignedInCaller,
    @Param('id') id: string,
  ): Promise<void> {
    send(response, toDeletedSession(shownTo(caller, await this.sessions.end(caller, idOf(id)))));
  }
}

/** @throws Refusal not_found for a text that can be no id */
function idOf(text: string): string {
  const id = fromPortosId(text);
  if (id === undefined) throw new Refusal('not_found');
  return id;
}

function send(response: Response, result: object): void {
  const body = Buffer.from(JSON.stringify(result));
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', body.length);
  response.end(body);
}
