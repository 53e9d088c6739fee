import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Caller } from '../caller.js';
import { SignedIn, WhoCalls } from '../http/access.js';
import { answerCollection, answerResource } from '../json-api/answer.js';
import { pathId } from '../json-api/path-id.js';
import { readListQuery, readQuery } from '../json-api/query.js';
import { NEWEST_FIRST } from '../page.js';
import { organizationResource } from './organization.resource.js';
import { OrganizationsService } from './organizations.service.js';

/** `/api/v2/organizations`: what someone belongs to. They are made and changed by the command line. */
@Controller('api/v2/organizations')
export class OrganizationsController {
  constructor(private readonly organizations: OrganizationsService) {}

  @Get()
  @SignedIn()
  async list(@Req() request: Request, @Res() response: Response, @WhoCalls() caller: Caller): Promise<void> {
    const query = readListQuery(request, organizationResource, NEWEST_FIRST);
    const slice = await this.organizations.list(caller, query.page);
    answerCollection(request, response, organizationResource, slice, query);
  }

  @Get(':id')
  @SignedIn()
  async read(
    @Req() request: Request,
    @Res() response: Response,
    @WhoCalls() caller: Caller,
    @Param('id') id: string,
  ): Promise<void> {
    const query = readQuery(request, organizationResource);
    const organization = await this.organizations.read(caller, pathId(id));
    answerResource(response, 200, organizationResource, organization, query);
  }
}
