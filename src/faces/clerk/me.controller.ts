import { Controller, Get, HttpCode, Param, Post, Res } from '@nestjs/common';
import type { Response } from 'express';
import { Clock } from '../../clock.js';
import { ByBrowser, WhichBrowser } from '../../http/access.js';
import { sendDocument } from '../../json-api/send.js';
import { NEWEST_FIRST, type Page } from '../../page.js';
import { Refusal } from '../../refusal.js';
import {
  BrowsersService,
  type BrowserUser,
  type RecognisedBrowser,
} from '../../sessions/browsers.service.js';
import { SessionsService } from '../../sessions/sessions.service.js';
import { fromId } from './ids.js';
import { Piggyback, toBelonging } from './piggyback.js';
import { ACTIVITY, fromActiveSession, fromSession, OUTLINE, writeSessionsOf } from './translate.js';

/** This API has no pages: the newest sessions, up to so many. */
const NEWEST: Page = {
  filter: null,
  sort: NEWEST_FIRST,
  window: { kind: 'offset', offset: 0, limit: 500 },
  countTotal: false,
};

/**
 * `/clerk/v1/me/sessions`: the sessions of one user, wherever they are. The user is that of the session that
 * `_clerk_session_id` names, or of the one that was used last in this browser (CONTRACTS.md 2.2, neighbours).
 */
@Controller('clerk/v1/me/sessions')
@ByBrowser()
export class ClerkMeController {
  constructor(
    private readonly browsers: BrowsersService,
    private readonly sessions: SessionsService,
    private readonly piggyback: Piggyback,
    private readonly clock: Clock,
  ) {}

  @Get()
  @ByBrowser({ briefly: 'always' })
  async list(
    @Res() response: Response,
    @WhichBrowser() { caller, user, memberships }: BrowserUser,
  ): Promise<void> {
    const { rows } = await this.sessions.list(caller, NEWEST, false, OUTLINE);
    const sessions = writeSessionsOf(user, memberships.map(toBelonging), rows, this.clock.now());
    sendDocument(response, 200, sessions, 'application/json');
  }

  @Get('active')
  @ByBrowser({ briefly: 'always' })
  async listActive(@WhichBrowser() { caller }: BrowserUser): Promise<object[]> {
    const { rows } = await this.sessions.list(caller, NEWEST, false, ACTIVITY);
    const now = this.clock.now();
    return rows.map((session) => fromActiveSession(session, now));
  }

  @Post(':id/revoke')
  @HttpCode(200)
  async revoke(@WhichBrowser() browser: RecognisedBrowser, @Param('id') id: string): Promise<object> {
    const caller = await this.browsers.currentCaller(browser);
    const { user } = caller;
    const known = fromId('session', id);
    const session = known === null ? null : await this.sessions.read(caller, known);
    if (session?.userId !== user.id) throw new Refusal('not_found');
    const revoked = Object.assign(await this.sessions.end(caller, session.id, 'revoked'), { user });
    return this.piggyback.answer(browser, ({ belongings, now }) => fromSession(revoked, belongings, now));
  }
}
