import type { Command } from 'commander';
import { KeysService } from '../keys/keys.service.js';
import type { Common } from './common-options.js';
import { Output } from './output.js';
import { withService } from './service.js';

/** Adds `latchkey keys …`. */
export function addKeys(program: Command): void {
  const keys = program.command('keys').description('What JWTs are signed with');
  keys
    .command('rotate')
    .description('Put a new signing key in the place of the present one; JWTs that are about stay valid')
    .option('--now', 'for a leaked key: every JWT there is becomes invalid at once', false)
    .action((_options, command: Command) => rotate(command.optsWithGlobals()));
}

async function rotate(options: Common & { now: boolean }): Promise<void> {
  await withService(options.audit, async (service) => {
    const keys = service.get(KeysService);
    await keys.ensureKey(); // before a server's first start: a key that signs later must not be the only one
    const { kid, kids, signsFrom, oldRetireAt } = await keys.rotate(options.now);
    const sentenceOf = (key: string) =>
      options.now
        ? `Key ${key} signs from now on; every earlier JWT is invalid`
        : `Key ${key} is published, and signs from ${signsFrom.toISOString()}; the old one verifies until ${oldRetireAt.toISOString()}`;
    const forMachines = { kid, kids, signs_from: signsFrom, old_retire_at: oldRetireAt };
    new Output(options.json).done(kids.map(sentenceOf), forMachines);
  });
}
