import { Controller, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Interactive, SignedIn, WhoCalls } from '../http/access.js';
import { answerResource } from '../json-api/answer.js';
import { readAttributes, readResource } from '../json-api/document.js';
import { readQuery } from '../json-api/query.js';
import { readInstant } from '../json-api/values.js';
import { MAX_JWT_SECONDS } from '../keys/keys.service.js';
import { Refusal } from '../refusal.js';
import { Origins } from '../sessions/origin.js';
import { sessionResource } from '../sessions/session.resource.js';
import type { BriefCaller, SignedInCaller } from '../sessions/signed-in.js';
import { MachineToken } from './machine-token.attributes.js';
import { MachineTokensService } from './machine-tokens.service.js';

const DEFAULT_JWT_SECONDS = 60;

/** `POST /api/v2/sessions/machine` and `/jwt`: credentials for programs. */
@Controller('api/v2/sessions')
export class MachineTokensController {
  constructor(
    private readonly tokens: MachineTokensService,
    private readonly origins: Origins,
  ) {}

  @Post('machine')
  @Interactive()
  async machine(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: SignedInCaller,
  ): Promise<void> {
    const query = readQuery(request, sessionResource);
    const sent = readAttributes(MachineToken, readResource(request, sessionResource), sessionResource);
    const draft = {
      name: sent.name,
      note: sent.note ?? null,
      readOnly: sent.read_only ?? false,
      expiresAt: readInstant(sent.token_expires_at ?? '') ?? null,
    };
    const origin = this.origins.describe(caller.ip, request.headers['user-agent']);
    const session = await this.tokens.mint(caller, draft, origin);
    answerResource(response, 201, sessionResource, session, query, {
      location: `/api/v2/sessions/${session.id}`,
    });
  }

  /** The answer is plain JSON, as in the contract: a JWT is no resource. */
  @Post('jwt')
  @SignedIn({ readOnlyToo: true, briefly: 'always' })
  async jwt(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: BriefCaller,
  ): Promise<void> {
    const { parameters } = readQuery(request, sessionResource, ['expires_in']);
    const minted = await this.tokens.mintJwt(caller, secondsOf(parameters.expires_in));
    const body = Buffer.from(JSON.stringify(minted));
    response.status(201).setHeader('Content-Type', 'application/json');
    response.setHeader('Cache-Control', 'no-store').end(body);
  }
}

/** Whole seconds from 1 to 3600, by default 60 (DECISIONS.md, Native 7). */
function secondsOf(raw: string | undefined): number {
  if (raw === undefined) return DEFAULT_JWT_SECONDS;
  const seconds = /^[0-9]{1,4}$/.test(raw) ? Number(raw) : 0;
  if (seconds < 1 || seconds > MAX_JWT_SECONDS)
    throw new Refusal('invalid_parameter', { parameter: 'expires_in' });
  return seconds;
}
