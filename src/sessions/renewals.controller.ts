import { Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { SignedIn, WhoCalls } from '../http/access.js';
import { answerResource } from '../json-api/answer.js';
import { readAttributes, readResource } from '../json-api/document.js';
import { readQuery } from '../json-api/query.js';
import { Refusal } from '../refusal.js';
import { RenewalsService } from './renewals.service.js';
import { Renewal } from './session.attributes.js';
import { renewableBy, sessionResource } from './session.resource.js';
import type { SignedInCaller } from './signed-in.js';

/** `POST /api/v2/sessions/refresh`: the session that asks, renewed. */
@Controller('api/v2/sessions')
export class RenewalsController {
  constructor(private readonly renewals: RenewalsService) {}

  @Post('refresh')
  @HttpCode(200)
  @SignedIn()
  async renew(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: SignedInCaller,
  ): Promise<void> {
    const query = readQuery(request, sessionResource);
    const { refresh_token } = readAttributes(
      Renewal,
      readResource(request, sessionResource),
      sessionResource,
    );
    const { token } = caller.session;
    if (token === undefined) throw new Refusal('unauthenticated'); // a JWT of a session is not the session's token
    const session = await this.renewals.renew(token, refresh_token, caller.ip);
    answerResource(response, 200, sessionResource, session, query, { meta: renewableBy(session) });
  }
}
