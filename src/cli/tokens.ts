import { InvalidArgumentError, type Command } from 'commander';
import { OPERATOR } from '../caller.js';
import { requiredText } from '../json-api/rules.js';
import { readInstant, readInteger } from '../json-api/values.js';
import { MachineTokensService } from '../machine-tokens/machine-tokens.service.js';
import { Refusal } from '../refusal.js';
import { MAX_NAME } from '../sessions/session.attributes.js';
import { WHOLE_SESSION } from '../sessions/session.columns.js';
import { sessionResource } from '../sessions/session.resource.js';
import { SessionsService } from '../sessions/sessions.service.js';
import type { Common } from './common-options.js';
import { all, equals } from './filters.js';
import { everyPage, Output, shownOf } from './output.js';
import { withService } from './service.js';
import { userOf } from './users.js';

const COLUMNS = ['id', 'user_id', 'name', 'read_only', 'created_at', 'last_activity_at', 'token_expires_at'];

/** Adds `latchkey tokens …`. */
export function addTokens(program: Command): void {
  const tokens = program.command('tokens').description('Named credentials for programs');
  tokens
    .command('create')
    .description('Make a machine token for a user, and print it once')
    .requiredOption('--user <email>', 'whose rights it has')
    .requiredOption('--name <name>', 'what it is for')
    .option('--read-only', 'only for requests that change nothing', false)
    .option(
      '--expires <moment>',
      'ISO 8601 with offset, e.g. 2027-01-31T12:00:00Z; by default never',
      readMoment,
    )
    .action((_options, command: Command) => create(command.optsWithGlobals()));
  tokens
    .command('list')
    .description('Show the machine tokens that are valid, without their secrets')
    .option('--user <email>', 'of this user only')
    .action((_options, command: Command) => list(command.optsWithGlobals()));
  tokens
    .command('revoke <id>')
    .description('End a machine token: the next request with it is refused')
    .action((id: string, _options, command: Command) => revoke(id, command.optsWithGlobals()));
}

interface Creation extends Common {
  readonly user: string;
  readonly name: string;
  readonly readOnly: boolean;
  readonly expires?: Date;
}

async function create(options: Creation): Promise<void> {
  const { name, readOnly, expires = null } = options;
  const reason = requiredText(MAX_NAME)(name);
  if (reason !== null) throw new Refusal(reason, { attribute: 'name' });
  await withService(options.audit, async (service) => {
    const user = await userOf(service, options.user);
    const draft = { name, note: null, readOnly, expiresAt: expires };
    const session = await service.get(MachineTokensService).mintFor(user, draft);
    const kind = readOnly ? 'read-only machine token' : 'machine token';
    const until = expires === null ? 'until it is revoked' : `until ${expires.toISOString()}`;
    new Output(options.json).done(
      [
        `Created ${kind} ${session.id}, "${name}", for ${user.email}, valid ${until}`,
        `Token: ${session.token}   (shown this once)`,
      ],
      shownOf(sessionResource, session),
    );
  });
}

async function list(options: Common & { user?: string }): Promise<void> {
  await withService(options.audit, async (service) => {
    const sessions = service.get(SessionsService);
    const members = [MACHINE];
    if (options.user !== undefined) members.push(equals('userId', (await userOf(service, options.user)).id));
    const pages = everyPage((caller, page) => sessions.list(caller, page, true, WHOLE_SESSION), all(members));
    await new Output(options.json).list(sessionResource, COLUMNS, pages);
  });
}

async function revoke(id: string, options: Common): Promise<void> {
  if (readInteger(id) === undefined) throw new Refusal('not_found', { detail: NO_SUCH_TOKEN });
  await withService(options.audit, async (service) => {
    const narrowing = { filter: all([MACHINE, equals('id', id)]), everyone: true };
    const revoked = await service.get(SessionsService).revoke(OPERATOR, narrowing);
    if (revoked === 0) throw new Refusal('not_found', { detail: NO_SUCH_TOKEN });
    new Output(options.json).done([`Machine token ${id} is revoked`], { id, revoked });
  });
}

const NO_SUCH_TOKEN = 'There is no valid machine token with this id';
const MACHINE = equals('machine', true);

function readMoment(text: string): Date {
  const moment = readInstant(text);
  if (moment === undefined) throw new InvalidArgumentError('A moment is written 2027-01-31T12:00:00Z.');
  return moment;
}
