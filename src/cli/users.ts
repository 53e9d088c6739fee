import { InvalidArgumentError, type Command } from 'commander';
import { OPERATOR, RIGHTS } from '../caller.js';
import { readAttributes } from '../json-api/document.js';
import { EnrollmentsService } from '../otp/enrollments.service.js';
import { Refusal } from '../refusal.js';
import { metadataProblem } from '../users/metadata.js';
import { NewUser } from '../users/user.attributes.js';
import type { User } from '../users/user.entity.js';
import { userResource } from '../users/user.resource.js';
import { UsersService } from '../users/users.service.js';
import { addImport } from './import.js';
import { readJson } from './json-argument.js';
import { everyPage, Output, shownOf } from './output.js';
import { newPassword, type NewPassword, type PasswordOptions } from './password.js';
import { withService, type Service } from './service.js';
import type { Common } from './common-options.js';

const COLUMNS = [
  'id',
  'email',
  'first_name',
  'last_name',
  'status',
  'rights',
  'two_factor_auth',
  'created_at',
];
const KNOWN_RIGHTS = `${RIGHTS.join(', ')}; * for all, none for none`;

/** Adds `latchkey users …`. */
export function addUsers(program: Command): void {
  const users = program.command('users').description('Who may sign in');
  withPassword(users.command('create').description('Add a user'))
    .requiredOption('--email <address>', 'what they sign in with')
    .option('--first-name <name>')
    .option('--last-name <name>')
    .option('--rights <list>', `with commas: ${KNOWN_RIGHTS}`, readRights, [])
    .action((_options, command: Command) => create(command.optsWithGlobals()));
  users
    .command('list')
    .description('Show all users')
    .action((_options, command: Command) => list(command.optsWithGlobals()));
  withPassword(users.command('set-password <email>'))
    .description('Give a user a new password, and end their browser sessions')
    .action((email: string, _options, command: Command) => setPassword(email, command.optsWithGlobals()));
  users
    .command('set-rights <email>')
    .description('Give a user exactly these rights, from their next request on')
    .requiredOption('--rights <list>', `with commas: ${KNOWN_RIGHTS}`, readRights)
    .action((email: string, _options, command: Command) => setRights(email, command.optsWithGlobals()));
  users
    .command('set-metadata <email>')
    .description('Note of a user exactly this, shown to them and put into their JWTs')
    .requiredOption('--metadata <json>', 'an object', readJson)
    .action((email: string, _options, command: Command) => setMetadata(email, command.optsWithGlobals()));
  users
    .command('reset-two-factor <email>')
    .description('Take the second factor off a user who lost it, and end their browser sessions')
    .action((email: string, _options, command: Command) => resetTwoFactor(email, command.optsWithGlobals()));
  users
    .command('close <email>')
    .description('End all sessions of a user, machine ones too, and let them sign in no more')
    .action((email: string, _options, command: Command) => close(email, command.optsWithGlobals()));
  addImport(users);
}

/** @throws Refusal not_found */
export async function userOf(service: Service, email: string): Promise<User> {
  const user = await service.get(UsersService).findByEmail(email);
  if (user === null) throw new Refusal('not_found', { detail: 'There is no user with this e-mail address' });
  return user;
}

interface Creation extends Common, PasswordOptions {
  readonly email: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly rights: string[];
}

async function create(options: Creation): Promise<void> {
  const { email, firstName, lastName, rights } = options;
  const chosen = await newPassword(options);
  const attributes = { email, password: chosen.password, first_name: firstName, last_name: lastName };
  readAttributes(NewUser, { attributes, relationships: {} }, userResource);
  await withService(options.audit, async (service) => {
    const draft = { email, password: chosen.password, firstName, lastName, rights };
    const user = await service.get(UsersService).create(OPERATOR, draft);
    tell(options, user, `Created user ${user.id}, ${user.email}`, chosen);
  });
}

async function list(options: Common): Promise<void> {
  await withService(options.audit, async (service) => {
    const users = service.get(UsersService);
    const pages = everyPage<User>((caller, page) => users.list(caller, page));
    await new Output(options.json).list(userResource, COLUMNS, pages);
  });
}

async function setPassword(email: string, options: Common & PasswordOptions): Promise<void> {
  const chosen = await newPassword(options);
  await withService(options.audit, async (service) => {
    const { id } = await userOf(service, email);
    const user = await service.get(UsersService).update(OPERATOR, id, { password: chosen.password });
    tell(options, user, `${user.email} has a new password; their browser sessions are ended`, chosen);
  });
}

async function setRights(email: string, options: Common & { rights: string[] }): Promise<void> {
  await withService(options.audit, async (service) => {
    const { id } = await userOf(service, email);
    const user = await service.get(UsersService).setRights(OPERATOR, id, options.rights);
    tell(options, user, `${user.email} has the rights: ${user.rights.join(', ') || 'none'}`);
  });
}

async function setMetadata(email: string, options: Common & { metadata: unknown }): Promise<void> {
  const problem = metadataProblem(options.metadata);
  if (problem !== null) throw new Refusal(problem, { attribute: 'metadata' });
  const metadata = options.metadata as User['metadata'];
  await withService(options.audit, async (service) => {
    const { id } = await userOf(service, email);
    const user = await service.get(UsersService).update(OPERATOR, id, { metadata });
    const names = Object.keys(user.metadata).join(', ') || 'nothing';
    tell(options, user, `Of ${user.email} is noted: ${names}`);
  });
}

async function resetTwoFactor(email: string, options: Common): Promise<void> {
  await withService(options.audit, async (service) => {
    const user = await userOf(service, email);
    if (!user.twoFactorAuth) throw new Refusal('conflict', { detail: 'This user has no second factor' });
    await service.get(EnrollmentsService).reset(OPERATOR, user);
    const after = await userOf(service, email);
    tell(options, after, `${user.email} signs in by password alone; their browser sessions are ended`);
  });
}

async function close(email: string, options: Common): Promise<void> {
  await withService(options.audit, async (service) => {
    const { id } = await userOf(service, email);
    await service.get(UsersService).close(OPERATOR, id);
    const user = await userOf(service, email);
    tell(options, user, `${user.email} is closed; all their sessions are ended`);
  });
}

function tell(options: Common, user: User, sentence: string, chosen?: NewPassword): void {
  const shown = shownOf(userResource, user);
  if (!chosen?.generated) return new Output(options.json).done([sentence], shown);
  const { password } = chosen;
  new Output(options.json).done([sentence, `Password: ${password}   (shown this once)`], {
    ...shown,
    password,
  });
}

function withPassword(command: Command): Command {
  return command
    .option('--password-stdin', 'read the password from standard input')
    .option('--generate', 'make a password and print it once');
}

function readRights(list: string): string[] {
  if (list === 'none') return [];
  const rights = list.split(',').map((right) => right.trim());
  const known: readonly string[] = [...RIGHTS, '*'];
  if (rights.some((right) => !known.includes(right)))
    throw new InvalidArgumentError(`The rights are ${KNOWN_RIGHTS}.`);
  return [...new Set(rights)];
}
