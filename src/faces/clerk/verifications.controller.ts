import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ByBrowser, WhichBrowser } from '../../http/access.js';
import type { Form } from '../../http/form-body.js';
import { Refusal } from '../../refusal.js';
import { BrowsersService, type RecognisedBrowser } from '../../sessions/browsers.service.js';
import type { SignedInCaller } from '../../sessions/signed-in.js';
import { strategiesOf } from '../../sessions/strategies.js';
import type { Factor } from '../../sessions/verification.entity.js';
import { VerificationsService } from '../../sessions/verifications.service.js';
import type { VerificationOfSession } from '../../sessions/verifications.store.js';
import { toAttempt, toLevel, toPreparation } from './forms.js';
import { Piggyback } from './piggyback.js';
import { fromVerification } from './translate.js';

/** `/clerk/v1/client/sessions/:session_id/verify`: proving factors once more (clerk.txt). */
@Controller('clerk/v1/client/sessions/:session_id/verify')
@ByBrowser()
export class ClerkVerificationsController {
  constructor(
    private readonly browsers: BrowsersService,
    private readonly verifications: VerificationsService,
    private readonly piggyback: Piggyback,
  ) {}

  @Post()
  @HttpCode(200)
  async start(@WhichBrowser() browser: RecognisedBrowser, @Body() form: Form): Promise<object> {
    const caller = this.browsers.signedIn(browser);
    return this.answer(browser, await this.verifications.start(caller, caller.session.id, toLevel(form)));
  }

  @Post('prepare_first_factor')
  @HttpCode(200)
  prepareFirst(@WhichBrowser() browser: RecognisedBrowser, @Body() form: Form): Promise<object> {
    return this.prepare(browser, form, 'first');
  }

  @Post('attempt_first_factor')
  @HttpCode(200)
  attemptFirst(@WhichBrowser() browser: RecognisedBrowser, @Body() form: Form): Promise<object> {
    return this.attempt(browser, form, 'first');
  }

  @Post('prepare_second_factor')
  @HttpCode(200)
  prepareSecond(@WhichBrowser() browser: RecognisedBrowser, @Body() form: Form): Promise<object> {
    return this.prepare(browser, form, 'second');
  }

  @Post('attempt_second_factor')
  @HttpCode(200)
  attemptSecond(@WhichBrowser() browser: RecognisedBrowser, @Body() form: Form): Promise<object> {
    return this.attempt(browser, form, 'second');
  }

  private async prepare(browser: RecognisedBrowser, form: Form, factor: Factor): Promise<object> {
    const caller = this.browsers.signedIn(browser);
    const strategy = toPreparation(form, factor, caller.user);
    const { id } = await this.current(caller);
    return this.answer(browser, await this.verifications.sendCode(caller, id, strategy, factor));
  }

  private async attempt(browser: RecognisedBrowser, form: Form, factor: Factor): Promise<object> {
    const caller = this.browsers.signedIn(browser);
    const proof = { ...toAttempt(form, factor), factor };
    const { id } = await this.current(caller);
    return this.answer(browser, await this.verifications.attempt(caller, id, proof));
  }

  /** This API names no verification: it is the newest one of the session. */
  private async current(caller: SignedInCaller): Promise<VerificationOfSession> {
    const verification = await this.verifications.current(caller, caller.session.id);
    if (verification !== null) return verification;
    throw new Refusal('verification_missing');
  }

  private answer(browser: RecognisedBrowser, verification: VerificationOfSession): Promise<object> {
    const { session, level } = verification;
    const strategies = strategiesOf(session.user, level);
    return this.piggyback.answer(browser, ({ belongings, now }) =>
      fromVerification(verification, session, strategies, belongings, now),
    );
  }
}
