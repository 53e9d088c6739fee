import { Controller, Delete, Get, Param, Patch, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Caller } from '../caller.js';
import { SignedIn, WhoCalls } from '../http/access.js';
import { answerCollection, answerNothing, answerResource } from '../json-api/answer.js';
import { readAttributes, readResource } from '../json-api/document.js';
import { pathId } from '../json-api/path-id.js';
import { readListQuery, readQuery } from '../json-api/query.js';
import { NEWEST_FIRST } from '../page.js';
import { NewUser, UserChanges } from './user.attributes.js';
import { userResource } from './user.resource.js';
import { UsersService, type Profile } from './users.service.js';

/** `/api/v2/users`: who someone is. */
@Controller('api/v2/users')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Get('me')
  @SignedIn()
  async me(@Req() request: Request, @Res() response: Response, @WhoCalls() caller: Caller): Promise<void> {
    const query = readQuery(request, userResource);
    answerResource(response, 200, userResource, await this.users.read(caller, caller.user.id), query);
  }

  @Get()
  @SignedIn()
  async list(@Req() request: Request, @Res() response: Response, @WhoCalls() caller: Caller): Promise<void> {
    const query = readListQuery(request, userResource, NEWEST_FIRST);
    answerCollection(request, response, userResource, await this.users.list(caller, query.page), query);
  }

  @Post()
  @SignedIn()
  async create(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: Caller,
  ): Promise<void> {
    const query = readQuery(request, userResource);
    const sent = readAttributes(NewUser, readResource(request, userResource), userResource);
    const { email, password } = sent;
    const draft = { email, password, ...profileOf(sent), ...metadataOf(sent) };
    const user = await this.users.create(caller, draft);
    answerResource(response, 201, userResource, user, query, { location: `/api/v2/users/${user.id}` });
  }

  @Get(':id')
  @SignedIn()
  async read(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: Caller,
    @Param('id') id: string,
  ): Promise<void> {
    const query = readQuery(request, userResource);
    answerResource(response, 200, userResource, await this.users.read(caller, pathId(id)), query);
  }

  @Patch(':id')
  @SignedIn()
  async update(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: Caller,
    @Param('id') id: string,
  ): Promise<void> {
    const query = readQuery(request, userResource);
    const stored = await this.users.read(caller, pathId(id));
    const sent = readAttributes(
      UserChanges,
      readResource(request, userResource, { id }),
      userResource,
      stored,
    );
    const user = await this.users.update(caller, id, {
      ...profileOf(sent),
      ...metadataOf(sent),
      ...(sent.email === undefined ? {} : { email: sent.email }),
      ...(typeof sent.password === 'string' ? { password: sent.password } : {}),
      ...(typeof sent.current_password === 'string' ? { currentPassword: sent.current_password } : {}),
    });
    answerResource(response, 200, userResource, user, query);
  }

  @Delete(':id')
  @SignedIn()
  async close(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: Caller,
    @Param('id') id: string,
  ): Promise<void> {
    readQuery(request, userResource);
    await this.users.close(caller, pathId(id));
    answerNothing(response);
  }
}

function profileOf(sent: NewUser | UserChanges): Profile {
  const profile = {
    firstName: sent.first_name,
    lastName: sent.last_name,
    avatarUrl: sent.avatar_url,
    phoneNumber: sent.phone_number,
    locale: sent.locale,
    timeZone: sent.time_zone,
  };
  return Object.fromEntries(Object.entries(profile).filter(([, value]) => value !== undefined));
}

/** Null says nothing of it: there is nothing to clear but what an empty object clears. */
function metadataOf({ metadata }: NewUser | UserChanges): { metadata?: Record<string, unknown> } {
  return metadata ? { metadata } : {};
}
