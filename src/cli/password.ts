import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { mintPassword } from '../secrets.js';
import { UsageError } from './failure.js';

export interface PasswordOptions {
  readonly passwordStdin?: boolean;
  readonly generate?: boolean;
}

/** A new password, and whether it has to be shown since nobody knows it yet. */
export interface NewPassword {
  readonly password: string;
  readonly generated: boolean;
}

const LONGEST_INPUT_BYTES = 10_000;

/**
 * A new password from standard input (without its last line break), from a generator, or typed twice at a hidden
 * prompt. Never from an argument: others on the machine can read those.
 * @throws UsageError when there is nobody to ask, or what was typed differs
 */
export async function newPassword({ passwordStdin, generate }: PasswordOptions): Promise<NewPassword> {
  if (passwordStdin && generate) throw new UsageError('Give either --password-stdin or --generate');
  if (generate) return { password: mintPassword(), generated: true };
  if (passwordStdin) return { password: await readStandardInput(), generated: false };
  if (!process.stdin.isTTY) {
    throw new UsageError('There is no terminal to ask for a password: use --password-stdin or --generate');
  }
  const [password, again] = await askHidden(['Password: ', 'Once more: ']);
  if (password === undefined || password !== again) throw new UsageError('The two passwords differ');
  return { password, generated: false };
}

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > LONGEST_INPUT_BYTES) throw new UsageError('Standard input is too long for a password');
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
    return text.replace(/\r?\n$/, '');
  } catch {
    throw new UsageError('The password on standard input is not UTF-8');
  }
}

/** Asks on standard error, so that standard output stays free for results. Ctrl-C and Ctrl-D give up. */
async function askHidden(questions: readonly string[]): Promise<string[]> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true, historySize: 0 });
  const answers: string[] = [];
  try {
    for (const question of questions) {
      process.stderr.write(question);
      answers.push(
        await new Promise<string>((resolve, reject) => {
          terminal.once('line', resolve);
          terminal.once('close', () => reject(new UsageError('No password was given')));
        }),
      );
      process.stderr.write('\n');
    }
    return answers;
  } finally {
    terminal.close();
  }
}
