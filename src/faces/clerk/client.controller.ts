import { Controller, Delete, Get, HttpCode, Post, Put, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ByAnyBrowser, WhichBrowser } from '../../http/access.js';
import { clientAddress } from '../../http/client-address.js';
import { Refusal } from '../../refusal.js';
import { BrowsersService, type RecognisedBrowser } from '../../sessions/browsers.service.js';
import { giveCredential, takeCredential } from './credential.js';
import { Piggyback, showClient } from './piggyback.js';
import { wrap } from './translate.js';

/** `/clerk/v1/client`: the browser itself (CONTRACTS.md 2.2, neighbours). */
@Controller('clerk/v1/client')
@ByAnyBrowser()
export class ClerkClientController {
  constructor(
    private readonly browsers: BrowsersService,
    private readonly piggyback: Piggyback,
  ) {}

  @Get()
  read(@WhichBrowser() browser: RecognisedBrowser | null): object {
    return browser === null ? wrap(null, null) : this.piggyback.answer(browser, showClient);
  }

  @Put()
  async create(
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
    @WhichBrowser() known: RecognisedBrowser | null,
  ): Promise<object> {
    const browser = known ?? (await this.browsers.create(clientAddress(request)));
    if (known === null) giveCredential(request, response, browser.browser);
    return this.piggyback.answer(browser, showClient);
  }

  @Post()
  @HttpCode(200)
  createByPost(
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
    @WhichBrowser() known: RecognisedBrowser | null,
  ): Promise<object> {
    return this.create(request, response, known);
  }

  @Delete()
  async forget(
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
    @WhichBrowser() browser: RecognisedBrowser | null,
  ): Promise<object> {
    if (browser === null) throw new Refusal('not_found');
    await this.browsers.forget(browser);
    takeCredential(request, response);
    return wrap(null, null);
  }
}
