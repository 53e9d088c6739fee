import { Body, Controller, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ByAnyBrowser, ByBrowser, WhichBrowser } from '../../http/access.js';
import { clientAddress } from '../../http/client-address.js';
import type { Form } from '../../http/form-body.js';
import { Refusal } from '../../refusal.js';
import type { RecognisedBrowser } from '../../sessions/browsers.service.js';
import { Origins, type Origin } from '../../sessions/origin.js';
import { SignInAttemptsService, type SignInProgress } from '../../sessions/sign-in-attempts.service.js';
import type { SignInView } from '../../sessions/sign-in-attempts.store.js';
import { giveCredential } from './credential.js';
import { toPassword, toSecondFactor, toSignIn } from './forms.js';
import { fromId } from './ids.js';
import { Piggyback } from './piggyback.js';
import { fromSignIn } from './translate.js';

/** `/clerk/v1/client/sign_ins`: signing in step by step (CONTRACTS.md 2.2, neighbours). */
@Controller('clerk/v1/client/sign_ins')
@ByBrowser()
export class ClerkSignInsController {
  constructor(
    private readonly attempts: SignInAttemptsService,
    private readonly origins: Origins,
    private readonly piggyback: Piggyback,
  ) {}

  @Post()
  @HttpCode(200)
  @ByAnyBrowser()
  async begin(
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
    @WhichBrowser() browser: RecognisedBrowser | null,
    @Body() form: Form,
  ): Promise<object> {
    const progress = await this.attempts.begin(browser, toSignIn(form), this.origin(request));
    return this.goOn(request, response, progress);
  }

  @Get(':id')
  async read(@WhichBrowser() browser: RecognisedBrowser, @Param('id') id: string): Promise<object> {
    return this.answer(browser, await this.attempts.read(browser, fromId('signIn', id)));
  }

  @Post(':id/prepare_first_factor')
  @HttpCode(200)
  prepareFirst(@WhichBrowser() browser: RecognisedBrowser, @Param('id') id: string): Promise<never> {
    return this.refusePreparation(browser, id);
  }

  @Post(':id/attempt_first_factor')
  @HttpCode(200)
  async attemptFirst(
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
    @WhichBrowser() browser: RecognisedBrowser,
    @Param('id') id: string,
    @Body() form: Form,
  ): Promise<object> {
    const password = toPassword(form);
    const attemptId = fromId('signIn', id);
    const progress = await this.attempts.provePassword(browser, attemptId, password, this.origin(request));
    return this.goOn(request, response, progress);
  }

  @Post(':id/prepare_second_factor')
  @HttpCode(200)
  prepareSecond(@WhichBrowser() browser: RecognisedBrowser, @Param('id') id: string): Promise<never> {
    return this.refusePreparation(browser, id);
  }

  @Post(':id/attempt_second_factor')
  @HttpCode(200)
  async attemptSecond(
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
    @WhichBrowser() browser: RecognisedBrowser,
    @Param('id') id: string,
    @Body() form: Form,
  ): Promise<object> {
    const code = toSecondFactor(form);
    const progress = await this.attempts.proveSecondFactor(browser, fromId('signIn', id), code);
    return this.goOn(request, response, progress);
  }

  /** Neither a password nor an authenticator app has to be prepared, and no code that is sent signs anybody in. */
  private async refusePreparation(browser: RecognisedBrowser, id: string): Promise<never> {
    await this.attempts.read(browser, fromId('signIn', id));
    throw new Refusal('strategy_unavailable', { attribute: 'strategy' });
  }

  private goOn(request: Request, response: Response, progress: SignInProgress): Promise<object> {
    giveCredential(request, response, progress.recognised.browser);
    return this.answer(progress.recognised, progress);
  }

  private answer(browser: RecognisedBrowser, signIn: SignInView): Promise<object> {
    return this.piggyback.answer(browser, ({ contents, now }) => fromSignIn(signIn, contents.sessions, now));
  }

  private origin(request: Request): Origin {
    return this.origins.describe(clientAddress(request), request.headers['user-agent']);
  }
}
