import { Controller, Delete, Get, HttpCode, Param, Patch, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Clock } from '../../clock.js';
import { SignedIn, WhoCalls } from '../../http/access.js';
import { isId } from '../../json-api/path-id.js';
import { sendDocument } from '../../json-api/send.js';
import { ComposedSessionsService } from '../../sessions/composed-sessions.service.js';
import { ComposingService } from '../../sessions/composing.service.js';
import { Origins } from '../../sessions/origin.js';
import type { SignedInCaller } from '../../sessions/signed-in.js';
import { Message } from './protojson.js';
import { readSearch } from './search.js';
import {
  fromCreated,
  fromEnded,
  fromSet,
  OUTLINE,
  readComposition,
  readOpening,
  writeList,
  writeSession,
} from './translate.js';

const LONGEST_TOKEN = 1_000;
/** No session has it: an id of a wrong alphabet is an unknown one. */
const NO_SESSION = '0';

/** `/zitadel/v2/sessions`: ZITADEL's Session API v2 (zitadel.txt; CONTRACTS.md, 3). */
@Controller('zitadel/v2/sessions')
export class ZitadelController {
  constructor(
    private readonly sessions: ComposedSessionsService,
    private readonly composing: ComposingService,
    private readonly origins: Origins,
    private readonly clock: Clock,
  ) {}

  @Post('search')
  @HttpCode(200)
  @SignedIn({ readOnlyToo: true })
  async search(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: SignedInCaller,
  ): Promise<void> {
    const searcher = { userId: caller.user.id, fingerprint: caller.session.fingerprint };
    const page = readSearch(Message.of(request.body), searcher);
    const { rows, total } = await this.sessions.list(caller, page, OUTLINE);
    send(response, 200, writeList(rows, total, this.clock.now()));
  }

  @Post()
  @SignedIn()
  async create(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: SignedInCaller,
  ): Promise<void> {
    const opening = readOpening(Message.of(request.body));
    const userAgent = opening.agent?.headers?.['user-agent']?.[0] ?? request.headers['user-agent'];
    const origin = this.origins.describe(caller.ip, userAgent);
    answer(response, 201, fromCreated(await this.composing.create(caller, opening, origin)));
  }

  @Get(':id')
  @SignedIn()
  async read(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: SignedInCaller,
    @Param('id') id: string,
  ): Promise<void> {
    const sessionToken = Message.of(request.query).text('sessionToken', LONGEST_TOKEN) || undefined;
    const session = await this.sessions.read(caller, known(id), sessionToken);
    send(response, 200, `{"session":${writeSession(session)}}`);
  }

  @Patch(':id')
  @SignedIn()
  async set(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: SignedInCaller,
    @Param('id') id: string,
  ): Promise<void> {
    const wanted = readComposition(Message.of(request.body));
    answer(response, 200, fromSet(await this.composing.set(caller, known(id), wanted)));
  }

  @Delete(':id')
  @SignedIn()
  async end(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: SignedInCaller,
    @Param('id') id: string,
  ): Promise<void> {
    const sessionToken = Message.of(request.body).text('sessionToken', LONGEST_TOKEN) || undefined;
    answer(response, 200, fromEnded(await this.sessions.end(caller, known(id), sessionToken)));
  }
}

function known(id: string): string {
  return isId(id) ? id : NO_SESSION;
}

function answer(response: Response, status: number, body: object): void {
  send(response, status, JSON.stringify(body));
}

function send(response: Response, status: number, json: string): void {
  sendDocument(response, status, json, 'application/json');
}
