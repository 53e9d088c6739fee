import { Body, Controller, Delete, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { randomUUID } from 'node:crypto';
import { Clock } from '../../clock.js';
import { ByAnyBrowser, ByBrowser, WhichBrowser } from '../../http/access.js';
import type { Form } from '../../http/form-body.js';
import { JwtTemplatesService } from '../../keys/jwt-templates.service.js';
import { KeysService } from '../../keys/keys.service.js';
import { Refusal } from '../../refusal.js';
import { BrowsersService, type RecognisedBrowser } from '../../sessions/browsers.service.js';
import type { EndStatus } from '../../sessions/sessions.store.js';
import { OrganizationsService } from '../../users/organizations.service.js';
import { giveCredential, readCredential } from './credential.js';
import { toTouched } from './forms.js';
import { fromId } from './ids.js';
import { Piggyback, showClient, showSession, toBelonging } from './piggyback.js';
import type { Belonging } from './profile.js';
import {
  SESSION_TOKEN_HEADER,
  sessionClaims,
  TEMPLATE_TOKEN_HEADER,
  templateClaims,
  templateFacts,
  type Minting,
} from './session-token.js';
import { fromSession } from './translate.js';

/** `/clerk/v1/client/sessions`: the sessions of a browser, and tokens of them (clerk.txt). */
@Controller('clerk/v1/client/sessions')
@ByBrowser()
export class ClerkSessionsController {
  constructor(
    private readonly browsers: BrowsersService,
    private readonly organizations: OrganizationsService,
    private readonly keys: KeysService,
    private readonly templates: JwtTemplatesService,
    private readonly piggyback: Piggyback,
    private readonly clock: Clock,
  ) {}

  /** Without a credential nobody asks; under one that is nobody's, there is no client (clerk.txt: 401, 404). */
  @Delete()
  @ByAnyBrowser()
  async removeAll(
    @Req() request: Request,
    @WhichBrowser() browser: RecognisedBrowser | null,
  ): Promise<object> {
    if (browser === null) {
      throw new Refusal(readCredential(request) === undefined ? 'unauthenticated' : 'not_found');
    }
    await this.browsers.removeAll(browser);
    return this.piggyback.answer(browser, showClient);
  }

  @Get(':session_id')
  read(@WhichBrowser() browser: RecognisedBrowser, @Param('session_id') id: string): Promise<object> {
    return this.piggyback.answer(browser, showSession(fromId('session', id)));
  }

  @Post(':session_id/touch')
  @HttpCode(200)
  async touch(
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
    @WhichBrowser() browser: RecognisedBrowser,
    @Body() form: Form,
  ): Promise<object> {
    const named = toTouched(form);
    const chosen = named === undefined ? undefined : await this.belonging(browser, named);
    await this.browsers.touch(browser, chosen === undefined ? undefined : (chosen?.organization.id ?? null));
    return this.piggyback.answer(browser, (shown) => {
      giveCredential(request, response, shown.contents.browser); // it lives on, and so does the cookie
      return showSession(browser.session?.id)(shown);
    });
  }

  @Post(':session_id/end')
  @HttpCode(200)
  end(@WhichBrowser() browser: RecognisedBrowser): Promise<object> {
    return this.close(browser, 'ended');
  }

  @Post(':session_id/remove')
  @HttpCode(200)
  remove(@WhichBrowser() browser: RecognisedBrowser): Promise<object> {
    return this.close(browser, 'removed');
  }

  /** Every open tab asks for this once a minute: one statement and one signature. */
  @Post(':session_id/tokens')
  @ByBrowser({ readOnlyToo: true })
  @HttpCode(200)
  async token(
    @Req() request: Request,
    @WhichBrowser() browser: RecognisedBrowser,
    @Body() form: Form,
  ): Promise<object> {
    if (browser.session === null) throw new Refusal('not_found');
    const { session } = this.browsers.signedIn(browser);
    const named = form.get('organization_id');
    const own = browser.membership && toBelonging(browser.membership);
    const belonging = named === undefined ? own : await this.belonging(browser, named);
    const claims = sessionClaims(session, belonging, this.minting(request));
    return { jwt: await this.keys.signRs256(claims, SESSION_TOKEN_HEADER) };
  }

  @Post(':session_id/tokens/:template_name')
  @ByBrowser({ readOnlyToo: true })
  @HttpCode(200)
  async tokenByTemplate(
    @Req() request: Request,
    @WhichBrowser() browser: RecognisedBrowser,
    @Param('template_name') name: string,
  ): Promise<object> {
    const { session, user } = this.browsers.signedIn(browser);
    const own = browser.membership && toBelonging(browser.membership);
    const facts = templateFacts(Object.assign(session, { user }), own);
    const filled = await this.templates.fill(name, facts);
    if (filled === null) throw new Refusal('not_found', { detail: 'No JWT template exists with this name' });
    const claims = templateClaims(session, filled.claims, filled.lifetimeSeconds, this.minting(request));
    return { jwt: await this.keys.signRs256(claims, TEMPLATE_TOKEN_HEADER) };
  }

  private async close(browser: RecognisedBrowser, status: EndStatus): Promise<object> {
    const session = await this.browsers.end(browser, status);
    return this.piggyback.answer(browser, ({ belongings, now }) => fromSession(session, belongings, now));
  }

  /**
   * One of the organisations of the session's user, by id or slug; null for the empty text, which stands for none.
   * @throws Refusal organization_unknown
   */
  private async belonging({ session }: RecognisedBrowser, named: string): Promise<Belonging | null> {
    if (named === '' || session === null) return null;
    const id = fromId('organization', named);
    const own = await this.organizations.membershipsOf(session.user);
    const found = own.find(({ organization }) => organization.id === id || organization.slug === named);
    if (found === undefined) throw new Refusal('organization_unknown');
    return toBelonging(found);
  }

  private minting(request: Request): Minting {
    return {
      issuer: `${request.app.locals.publicUrl as string}/clerk`,
      origin: request.headers.origin,
      tokenId: randomUUID(),
      now: this.clock.now(),
    };
  }
}
