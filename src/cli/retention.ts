import type { Command } from 'commander';
import { Refusal } from '../refusal.js';
import { RetentionService } from '../sessions/retention.service.js';
import type { Common } from './common-options.js';
import { Output } from './output.js';
import { withService } from './service.js';

/** Adds `latchkey retention …`. */
export function addRetention(program: Command): void {
  const retention = program.command('retention').description('What is kept, and for how long');
  retention
    .command('run')
    .description(
      'Remove now what is older than RETENTION_DAYS and EVENT_RETENTION_DAYS, as servers do every hour',
    )
    .action((_options, command: Command) => run(command.optsWithGlobals()));
}

async function run(options: Common): Promise<void> {
  await withService(options.audit, async (service) => {
    const removed = await service.get(RetentionService).run(true, service.stop);
    if (removed === null) {
      throw new Refusal('busy', { detail: 'Another process is removing what is old at this moment' });
    }
    const lines = Object.entries(removed).map(([table, count]) => `${count} of ${table} removed`);
    new Output(options.json).done(lines, { removed });
  });
}
