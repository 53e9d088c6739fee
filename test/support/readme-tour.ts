import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A block of commands in README's tour, and the answer that stands below it, if one does. */
export interface Stop {
  readonly commands: string;
  /** As it stands in README, without its fences; empty when the commands print nothing. */
  readonly answer: string;
}

const TOUR = /(?<=<!-- tour -->\n)[\s\S]*(?=<!-- end of tour -->)/;
const STOP = /^```sh\n([\s\S]*?)^```\n(?:\n```(?:json|text)\n([\s\S]*?)^```\n)?/gm;

/** The base of README's addresses. */
export const README_URL = 'http://localhost:3000';

/** The stops of the tour, in their order. */
export function stopsOf(readme: string): Stop[] {
  const tour = TOUR.exec(readme)?.[0] ?? '';
  return [...tour.matchAll(STOP)].map(([, commands = '', answer = '']) => ({ commands, answer }));
}

/** README with these answers in the place of the old ones. */
export function withAnswers(readme: string, answers: readonly string[]): string {
  let at = 0;
  return readme.replace(TOUR, (tour) =>
    tour.replace(STOP, (_, commands: string) => {
      const answer = abridged(answers[at++] ?? '');
      const kind = isJson(answer) ? 'json' : 'text';
      return `\`\`\`sh\n${commands}\`\`\`\n` + (answer === '' ? '' : `\n\`\`\`${kind}\n${answer}\n\`\`\`\n`);
    }),
  );
}

/** Runs all stops in one bash, one after the other as a reader pastes them, and gives what each printed. */
export async function take(stops: readonly Stop[], url: string): Promise<string[]> {
  const end = 'end-of-the-stop';
  const script = stops.map(({ commands }) => `${commands}\nprintf '%s\\n' ${end}\n`).join('');
  const directory = await mkdtemp(join(tmpdir(), 'latchkey-tour-'));
  try {
    const printed = await run(script.replaceAll(README_URL, url), { ...process.env, TMPDIR: directory });
    return printed
      .split(`${end}\n`)
      .slice(0, -1)
      .map((text) => text.trim());
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** An answer in which dates, secrets and whatever else is of the moment are told by their names alone, so that two can be compared. */
export function masked(answer: string): unknown {
  return isJson(answer) ? JSON.parse(answer, mask) : answer.trim();
}

const OF_THE_MOMENT = new Set([
  'token',
  'refresh_token',
  'jwt',
  'exp',
  'secret',
  'otpauth_uri',
  'qr_code',
  'request_id',
  'kid',
  'n',
  'x',
  'y',
]);

function mask(key: string, value: unknown): unknown {
  if (value === null) return null;
  if (OF_THE_MOMENT.has(key)) return `a ${key}`;
  if (key === 'recovery_codes') return `${(value as string[]).length} codes`;
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+\+00:00$/.test(value)) return 'a date';
  return value;
}

/** Long strings are cut at the mark `…`. */
function abridged(answer: string): string {
  return answer.replace(/"([^"\n]{60})[^"\n]{40,}"/g, (long, start: string) =>
    /^(http|otpauth)/.test(start) ? long : `"${start}…"`,
  );
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}

function run(script: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const shell = spawn('bash', ['-s'], { env, stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '';
    let complaints = '';
    shell.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    shell.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
    shell.on('error', reject);
    shell.on('close', () => (complaints === '' ? resolve(out) : reject(new Error(complaints))));
    shell.stdin.end(script);
  });
}
