import type { Command } from 'commander';
import { OPERATOR } from '../caller.js';
import { readAttributes } from '../json-api/document.js';
import type { Resource } from '../json-api/resource.js';
import { Refusal } from '../refusal.js';
import { NewMembership, NewOrganization, OrganizationChanges } from '../users/organization.attributes.js';
import type { Organization } from '../users/organization.entity.js';
import { organizationResource } from '../users/organization.resource.js';
import { OrganizationsService } from '../users/organizations.service.js';
import type { Member } from '../users/organizations.store.js';
import type { Common } from './common-options.js';
import { equals } from './filters.js';
import { readJson } from './json-argument.js';
import { everyPage, Output, shownOf } from './output.js';
import { withService, type Service } from './service.js';
import { userOf } from './users.js';

const COLUMNS = ['id', 'slug', 'name', 'created_at'];
const MEMBER_COLUMNS = ['user_id', 'email', 'role', 'created_at'];

const memberResource: Resource<Member> = {
  type: 'memberships',
  id: (member) => member.id,
  attributes: {
    user_id: { read: (member) => Number(member.userId), kind: 'integer' },
    email: { read: (member) => member.email, kind: 'text' },
    role: { read: (member) => member.role, kind: 'text' },
    created_at: { read: (member) => member.createdAt, kind: 'instant' },
    updated_at: { read: (member) => member.updatedAt, kind: 'instant' },
  },
  relationships: {},
};

/** Adds `latchkey organizations …`. */
export function addOrganizations(program: Command): void {
  const organizations = program.command('organizations').description('Who belongs together, and as what');
  organizations
    .command('create <slug>')
    .description('Add an organisation')
    .requiredOption('--name <name>')
    .option('--metadata <json>', 'an object of what is noted of it', readJson)
    .action((slug: string, _options, command: Command) => create(slug, command.optsWithGlobals()));
  organizations
    .command('list')
    .description('Show all organisations')
    .action((_options, command: Command) => list(command.optsWithGlobals()));
  organizations
    .command('update <slug>')
    .description('Change what is named and leave the rest')
    .option('--name <name>')
    .option('--slug <slug>', 'the new one')
    .option('--metadata <json>', 'in the place of all that was noted of it', readJson)
    .action((slug: string, _options, command: Command) => update(slug, command.optsWithGlobals()));
  organizations
    .command('delete <slug>')
    .description('Delete an organisation with its memberships; no session acts for it any more')
    .action((slug: string, _options, command: Command) => remove(slug, command.optsWithGlobals()));
  organizations
    .command('members <slug>')
    .description('Show who belongs to it')
    .action((slug: string, _options, command: Command) => members(slug, command.optsWithGlobals()));
  organizations
    .command('add-member <slug> <email>')
    .description('Make a user a member, or give a member another role')
    .option('--role <role>', 'a lower-case word', 'member')
    .action((slug: string, email: string, _options, command: Command) =>
      addMember(slug, email, command.optsWithGlobals()),
    );
  organizations
    .command('remove-member <slug> <email>')
    .description('Take a user out; no session of theirs acts for the organisation any more')
    .action((slug: string, email: string, _options, command: Command) =>
      removeMember(slug, email, command.optsWithGlobals()),
    );
}

interface Changes extends Common {
  readonly name?: string;
  readonly slug?: string;
  readonly metadata?: Organization['metadata'];
}

async function create(slug: string, options: Changes): Promise<void> {
  const { name, metadata } = options;
  const draft = read(NewOrganization, { name, slug, metadata });
  await withService(options.audit, async (service) => {
    const organizations = service.get(OrganizationsService);
    const organization = await organizations.create(OPERATOR, { ...draft, metadata: draft.metadata ?? {} });
    tell(options, organization, `Created organisation ${organization.id}, ${slug}`);
  });
}

async function list(options: Common): Promise<void> {
  await withService(options.audit, async (service) => {
    const organizations = service.get(OrganizationsService);
    const pages = everyPage((caller, page) => organizations.list(caller, page));
    await new Output(options.json).list(organizationResource, COLUMNS, pages);
  });
}

async function update(slug: string, options: Changes): Promise<void> {
  const sent = { name: options.name, slug: options.slug, metadata: options.metadata };
  const given = Object.entries(sent).filter(([, value]) => value !== undefined);
  const { metadata, ...changes } = read(OrganizationChanges, Object.fromEntries(given));
  await withService(options.audit, async (service) => {
    const { id } = await organizationOf(service, slug);
    const all = { ...changes, ...(metadata ? { metadata } : {}) };
    const organization = await service.get(OrganizationsService).update(OPERATOR, id, all);
    tell(options, organization, `Organisation ${id} is ${organization.slug}, "${organization.name}"`);
  });
}

async function remove(slug: string, options: Common): Promise<void> {
  await withService(options.audit, async (service) => {
    const organization = await organizationOf(service, slug);
    await service.get(OrganizationsService).delete(OPERATOR, organization.id);
    tell(options, organization, `Deleted organisation ${organization.id}, ${slug}`);
  });
}

async function members(slug: string, options: Common): Promise<void> {
  await withService(options.audit, async (service) => {
    const organizations = service.get(OrganizationsService);
    const { id } = await organizationOf(service, slug);
    const pages = everyPage((_caller, page) => organizations.listMembers(page), equals('organizationId', id));
    await new Output(options.json).list(memberResource, MEMBER_COLUMNS, pages);
  });
}

async function addMember(slug: string, email: string, options: Common & { role: string }): Promise<void> {
  const { role } = read(NewMembership, { role: options.role });
  await withService(options.audit, async (service) => {
    const organization = await organizationOf(service, slug);
    const user = await userOf(service, email);
    await service.get(OrganizationsService).putMember(OPERATOR, organization.id, user.id, role);
    new Output(options.json).done([`${user.email} belongs to ${slug} as ${role}`], {
      organization_id: organization.id,
      user_id: user.id,
      role,
    });
  });
}

async function removeMember(slug: string, email: string, options: Common): Promise<void> {
  await withService(options.audit, async (service) => {
    const organization = await organizationOf(service, slug);
    const user = await userOf(service, email);
    await service.get(OrganizationsService).removeMember(OPERATOR, organization.id, user.id);
    new Output(options.json).done([`${user.email} belongs to ${slug} no more`], {
      organization_id: organization.id,
      user_id: user.id,
    });
  });
}

function read<T extends object>(shape: new () => T, attributes: Readonly<Record<string, unknown>>): T {
  return readAttributes(shape, { attributes, relationships: {} }, organizationResource);
}

async function organizationOf(service: Service, slug: string): Promise<Organization> {
  const organization = await service.get(OrganizationsService).findBySlug(slug);
  if (organization === null) {
    throw new Refusal('not_found', { detail: 'There is no organisation with this slug' });
  }
  return organization;
}

function tell(options: Common, organization: Organization, sentence: string): void {
  const { id, name, slug, metadata, created_at, updated_at } = shownOf(organizationResource, {
    ...organization,
    role: null,
  });
  new Output(options.json).done([sentence], { id, name, slug, metadata, created_at, updated_at });
}
