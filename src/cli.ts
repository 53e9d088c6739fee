#!/usr/bin/env node
import { Command } from 'commander';
import { tellFailure } from './cli/failure.js';
import { addKeys } from './cli/keys.js';
import { addOrganizations } from './cli/organizations.js';
import { addRetention } from './cli/retention.js';
import { addSessions } from './cli/sessions.js';
import { addTemplates } from './cli/templates.js';
import { addTokens } from './cli/tokens.js';
import { addUsers } from './cli/users.js';

const program = new Command('latchkey')
  .description(
    "Latchkey's administration, beside a running server or without one. It reads the server's environment.",
  )
  .option('--json', 'print JSON, one object a line', false)
  .option('--audit', 'write audit lines to standard error', false)
  .configureHelp({ showGlobalOptions: true })
  .exitOverride();
addUsers(program);
addOrganizations(program);
addTokens(program);
addKeys(program);
addTemplates(program);
addSessions(program);
addRetention(program);

process.stdout.on('error', () => undefined); // whoever reads may stop reading
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = tellFailure(error);
}
