import { Controller, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Interactive, SignedIn, WhoCalls } from '../http/access.js';
import { answerResource } from '../json-api/answer.js';
import { readAttributes, readResource } from '../json-api/document.js';
import { pathId } from '../json-api/path-id.js';
import { readQuery } from '../json-api/query.js';
import { Refusal } from '../refusal.js';
import type { SignedInCaller } from './signed-in.js';
import { CodeRequest, VerificationAttempt, VerificationStart } from './verification.attributes.js';
import { verificationResource } from './verification.resource.js';
import { VerificationsService, type Proof } from './verifications.service.js';

/** `/api/v2/sessions/:id/verifications` and `/api/v2/verifications`: step-up. */
@Controller('api/v2')
export class VerificationsController {
  constructor(private readonly verifications: VerificationsService) {}

  @Post('sessions/:id/verifications')
  @Interactive()
  async start(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: SignedInCaller,
    @Param('id') sessionId: string,
  ): Promise<void> {
    const query = readQuery(request, verificationResource);
    const id = pathId(sessionId);
    const sent = readResource(request, verificationResource);
    const { level, strategy } = readAttributes(VerificationStart, sent, verificationResource);
    const verification = await this.verifications.start(caller, id, level, strategy ?? undefined);
    const location = `/api/v2/verifications/${verification.id}`;
    answerResource(response, 201, verificationResource, verification, query, { location });
  }

  @Get('verifications/:id')
  @SignedIn()
  async read(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: SignedInCaller,
    @Param('id') id: string,
  ): Promise<void> {
    const query = readQuery(request, verificationResource);
    const verification = await this.verifications.read(caller, pathId(id));
    answerResource(response, 200, verificationResource, verification, query);
  }

  @Post('verifications/:id/codes')
  @HttpCode(200)
  @Interactive()
  async sendCode(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: SignedInCaller,
    @Param('id') id: string,
  ): Promise<void> {
    const query = readQuery(request, verificationResource);
    const { strategy } = await this.readSent(CodeRequest, request, caller, id);
    const verification = await this.verifications.sendCode(caller, id, strategy);
    answerResource(response, 200, verificationResource, verification, query);
  }

  @Post('verifications/:id/attempts')
  @HttpCode(200)
  @Interactive()
  async attempt(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: SignedInCaller,
    @Param('id') id: string,
  ): Promise<void> {
    const query = readQuery(request, verificationResource);
    const proof = proofOf(await this.readSent(VerificationAttempt, request, caller, id));
    const verification = await this.verifications.attempt(caller, id, proof);
    answerResource(response, 200, verificationResource, verification, query);
  }

  private async readSent<T extends object>(
    shape: new () => T,
    request: Request,
    caller: SignedInCaller,
    id: string,
  ): Promise<T> {
    const stored = await this.verifications.read(caller, pathId(id));
    const sent = readResource(request, verificationResource, { id, anyId: true });
    return readAttributes(shape, sent, verificationResource, stored);
  }
}

function proofOf({ strategy, code, password }: VerificationAttempt): Proof {
  if (strategy === 'password') {
    if (!password) throw new Refusal('blank', { attribute: 'password' });
    return { strategy, password };
  }
  if (!code) throw new Refusal('blank', { attribute: 'code' });
  return { strategy, code };
}
