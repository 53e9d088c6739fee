import { Controller, Delete, Get, Patch, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Anyone } from '../http/access.js';
import { clientAddress } from '../http/client-address.js';
import { Activity } from '../sessions/activity.js';
import { Origins } from '../sessions/origin.js';
import { AttemptsStore } from '../users/attempts.store.js';
import { FIXTURES, FixturesService, type Fixture } from './fixtures.service.js';
import { Outbox, type OutboxMessage } from './outbox.js';
import { QaClock } from './qa-clock.js';
import { readClockChange, readFixtureName, readOutboxFilter } from './qa.requests.js';

/** `/qa`: what tests do from outside that nobody else may. It exists only while QA_MODE is on; plain JSON. */
@Controller('qa')
@Anyone()
export class QaController {
  constructor(
    private readonly clock: QaClock,
    private readonly outbox: Outbox,
    private readonly fixtures: FixturesService,
    private readonly origins: Origins,
    private readonly activity: Activity,
    private readonly attempts: AttemptsStore,
  ) {}

  @Get('clock')
  showClock(@Res() response: Response): void {
    answer(response, 200, this.clockNow());
  }

  @Patch('clock')
  async setClock(@Req() request: Request, @Res() response: Response): Promise<void> {
    const change = readClockChange(request.body);
    await this.activity.flush(); // or who was just seen would be told that they were not, once a time-out has passed
    await this.attempts.letPass(this.clock.set(change));
    answer(response, 200, this.clockNow());
  }

  @Get('outbox')
  showOutbox(@Req() request: Request, @Res() response: Response): void {
    const messages = this.outbox.list(readOutboxFilter(request));
    answer(response, 200, { messages: messages.map(shownMessage) });
  }

  @Delete('outbox')
  emptyOutbox(@Res() response: Response): void {
    this.outbox.empty();
    response.writeHead(204).end();
  }

  @Get('fixtures')
  listFixtures(@Res() response: Response): void {
    const fixtures = Object.entries(FIXTURES).map(([name, description]) => ({ name, description }));
    answer(response, 200, { fixtures });
  }

  @Post('fixtures')
  async makeFixture(@Req() request: Request, @Res() response: Response): Promise<void> {
    const name = readFixtureName(request.body);
    const origin = this.origins.describe(clientAddress(request), request.headers['user-agent']);
    answer(response, 201, { name, ...shownFixture(await this.fixtures.make(name, origin)) });
  }

  private clockNow(): object {
    return { now: this.clock.now().toISOString(), frozen: this.clock.isFrozen };
  }
}

function shownMessage({ sentAt, ...message }: OutboxMessage): object {
  return { ...message, sent_at: sentAt.toISOString() };
}

function shownFixture({ user, password, session, secondFactor, organization }: Fixture): object {
  const { id, email, rights, phoneNumber } = user;
  return {
    user: { id, email, password, rights, phone_number: phoneNumber },
    session: session === undefined ? null : { id: session.id, token: session.token },
    second_factor:
      secondFactor === undefined
        ? null
        : {
            secret: secondFactor.secret,
            otpauth_uri: secondFactor.otpauthUri,
            recovery_codes: secondFactor.recoveryCodes,
          },
    organization: organization === undefined ? null : { id: organization.id, slug: organization.slug },
  };
}

function answer(response: Response, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
