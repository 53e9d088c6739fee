import type { Command } from 'commander';
import { OPERATOR } from '../caller.js';
import { readInteger } from '../json-api/values.js';
import type { Filter } from '../page.js';
import { Refusal } from '../refusal.js';
import { WHOLE_SESSION } from '../sessions/session.columns.js';
import { sessionResource } from '../sessions/session.resource.js';
import { SessionsService } from '../sessions/sessions.service.js';
import type { Common } from './common-options.js';
import { UsageError } from './failure.js';
import { everyPage, Output } from './output.js';
import { withService, type Service } from './service.js';
import { all, equals } from './filters.js';
import { userOf } from './users.js';

const COLUMNS = [
  'id',
  'user_id',
  'machine',
  'name',
  'last_ip',
  'browser',
  'platform',
  'created_at',
  'last_activity_at',
];

/** Adds `latchkey sessions …`. */
export function addSessions(program: Command): void {
  const sessions = program.command('sessions').description('Who is signed in');
  sessions
    .command('list')
    .description('Show the sessions that are live')
    .option('--user <email>', 'of this user only')
    .action((_options, command: Command) => list(command.optsWithGlobals()));
  sessions
    .command('revoke')
    .description('End sessions: the next request of each is refused')
    .option('--user <email>', "this user's browser sessions")
    .option('--all', "everybody's browser sessions")
    .option('--id <id>', 'this session, of whatever kind')
    .option('--machine', 'with --user or --all: machine sessions too')
    .action((_options, command: Command) => revoke(command.optsWithGlobals()));
}

interface Revocation extends Common {
  readonly user?: string;
  readonly all?: boolean;
  readonly id?: string;
  readonly machine?: boolean;
}

async function list(options: Common & { user?: string }): Promise<void> {
  await withService(options.audit, async (service) => {
    const sessions = service.get(SessionsService);
    const filter =
      options.user === undefined ? null : equals('userId', (await userOf(service, options.user)).id);
    const pages = everyPage((caller, page) => sessions.list(caller, page, true, WHOLE_SESSION), filter);
    await new Output(options.json).list(sessionResource, COLUMNS, pages);
  });
}

async function revoke(options: Revocation): Promise<void> {
  const { user, id } = options;
  if ([user, options.all, id].filter((given) => given !== undefined).length !== 1) {
    throw new UsageError('Say whose sessions: --user EMAIL, --all, or --id ID');
  }
  if (id !== undefined && readInteger(id) === undefined) throw noSuchSession();
  await withService(options.audit, async (service) => {
    const filter = await filterOf(service, options);
    const revoked = await service.get(SessionsService).revoke(OPERATOR, { filter, everyone: true });
    if (revoked === 0 && id !== undefined) throw noSuchSession();
    new Output(options.json).done(
      [revoked === 1 ? '1 session is revoked' : `${revoked} sessions are revoked`],
      { revoked },
    );
  });
}

async function filterOf(service: Service, { user, id, machine }: Revocation): Promise<Filter> {
  if (id !== undefined) return equals('id', id);
  return all([
    ...(user === undefined ? [] : [equals('userId', (await userOf(service, user)).id)]),
    ...(machine ? [] : [equals('machine', false)]),
  ]);
}

function noSuchSession(): Refusal {
  return new Refusal('not_found', { detail: 'There is no live session with this id' });
}
