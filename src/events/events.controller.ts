import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Caller } from '../caller.js';
import { SignedIn, WhoCalls } from '../http/access.js';
import { answerCollection, answerResource } from '../json-api/answer.js';
import { pathId } from '../json-api/path-id.js';
import { readListQuery, readQuery } from '../json-api/query.js';
import { NEWEST_FIRST } from '../page.js';
import { eventResource } from './event.resource.js';
import { EventsService } from './events.service.js';

/** `/api/v2/events`: what happened. Nobody writes there. */
@Controller('api/v2/events')
export class EventsController {
  constructor(private readonly events: EventsService) {}

  @Get()
  @SignedIn()
  async list(@Req() request: Request, @Res() response: Response, @WhoCalls() caller: Caller): Promise<void> {
    const query = readListQuery(request, eventResource, NEWEST_FIRST);
    answerCollection(request, response, eventResource, await this.events.list(caller, query.page), query);
  }

  @Get(':id')
  @SignedIn()
  async read(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: Caller,
    @Param('id') id: string,
  ): Promise<void> {
    const query = readQuery(request, eventResource);
    answerResource(response, 200, eventResource, await this.events.read(caller, pathId(id)), query);
  }
}
