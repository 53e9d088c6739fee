import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { built } from './built.js';
import type { Latchkey } from './latchkey.js';

/** How a command ended and what it said. */
export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
}

/** `latchkey` with these arguments, in a process of its own. Nothing of our own environment comes along. */
export async function startCommand(
  environment: Record<string, string>,
  args: readonly string[],
): Promise<RunningCommand> {
  const env = { PATH: process.env.PATH, NODE_ENV: 'test', BCRYPT_COST: '4', ...environment };
  const child = spawn(process.execPath, [join(await built(), 'cli.js'), ...args], { env });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
  const outcome = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }));
  return { child, outcome };
}

/** Runs a command to its end. @param input its standard input, which is no terminal */
export async function runCommand(
  environment: Record<string, string>,
  args: readonly string[],
  input = '',
): Promise<Outcome> {
  const { child, outcome } = await startCommand(environment, args);
  child.stdin?.on('error', () => undefined).end(input); // a command may end without reading it
  return outcome;
}

/** What a command needs to work beside this server, on its database. */
export function besides(server: Latchkey): Record<string, string> {
  return { DATABASE_URL: server.database.url, SECRET_KEY: process.env.SECRET_KEY ?? '' };
}
