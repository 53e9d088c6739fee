import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { ratioOf, spreadOf, type Measured, type Spread } from './rounds.js';

export type Row = Readonly<Record<string, string | number | null>>;

/** What a suite found out: tables, the first of them what was measured. */
export interface Table {
  /** A sentence above it, for whoever reads it. */
  readonly title?: string;
  readonly rows: readonly Row[];
}

/** What PERFORMANCE asks for of one number, and what it is. */
export interface Bound {
  readonly of: string;
  readonly measured: Spread | null;
  readonly must: number;
  readonly goal: number;
  /** Whether more is better, as of a throughput, or less, as of a time. */
  readonly better: 'more' | 'less';
}

/** A number with its bounds: `0.47 (0.45–0.50)`. */
export function shown(spread: Spread | null, digits: number): string | null {
  if (spread === null) return null;
  const [median, least, most] = [spread.median, spread.least, spread.most].map((value) =>
    value.toFixed(digits),
  );
  return least === most ? median! : `${median} (${least}–${most})`;
}

/** What a server takes for a request, also in times of what another one takes. @param of what the other is called */
export function serverRow(row: Measured, other: Measured, of: string): Row {
  return {
    server: row.name,
    'requests/s': shown(spreadOf(row, 'requestsPerSecond'), 0),
    [`× ${of}`]: shown(ratioOf(row, other, 'requestsPerSecond'), 2),
    'server CPU µs': shown(spreadOf(row, 'cpuMicroseconds'), 0),
    [`CPU × ${of}`]: shown(ratioOf(row, other, 'cpuMicroseconds'), 2),
    'PostgreSQL CPU µs': shown(spreadOf(row, 'databaseCpuMicroseconds'), 0),
    'p99 ms': shown(spreadOf(row, 'p99Milliseconds'), 1),
  };
}

/** Each target with what was measured, and whether it was reached. */
export function targetTable(bounds: readonly Bound[]): Table {
  return {
    title: 'Held against the targets:',
    rows: bounds.map(({ of, measured, must, goal, better }) => {
      const sign = better === 'more' ? '≥' : '≤';
      const reached = (limit: number) =>
        measured !== null && (better === 'more' ? measured.median >= limit : measured.median <= limit);
      return {
        target: of,
        measured: shown(measured, 2),
        must: `${sign} ${must}`,
        goal: `${sign} ${goal}`,
        reached: measured === null ? null : reached(goal) ? 'goal' : reached(must) ? 'must' : '**no**',
      };
    }),
  };
}

/**
 * Keeps what a suite found out: as JSON in bench/results, and on request in bench/README.md in the place of what stood
 * there, between `<!-- suite -->` and `<!-- /suite -->`.
 * @param note where and how it was measured, beside the commit and the machine
 * @returns the same as Markdown
 */
export async function publish(
  suite: string,
  tables: readonly Table[],
  { note, intoReadme }: { note: string | undefined; intoReadme: boolean },
): Promise<string> {
  const [cpu] = cpus();
  const git = (...args: string[]) => execFileSync('git', args).toString().trim();
  const run = {
    suite,
    commit:
      git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', 'src') ? ' with changes' : ''),
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    machine: `${cpus().length} × ${cpu?.model ?? 'unknown'}`,
    ...(note !== undefined && { note }),
    tables,
  };
  const results = join(import.meta.dirname, 'results');
  await mkdir(results, { recursive: true });
  await writeFile(join(results, `${suite.replaceAll(' ', '-')}.json`), `${JSON.stringify(run, null, 2)}\n`);
  const heading = `Measured at \`${run.commit}\` on ${run.date}, ${run.machine}, Node ${run.node.slice(1)}${note === undefined ? '' : `; ${note}`}.`;
  const text = [heading, ...tables.map(asMarkdown)].join('\n\n');
  if (intoReadme) await replaceInReadme(suite, text);
  return text;
}

function asMarkdown({ title, rows }: Table): string {
  const columns = Object.keys(rows[0] ?? {});
  const lines = rows.map((row) => columns.map((column) => String(row[column] ?? '–')));
  const rule = columns.map(() => '---');
  const table = [columns, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  return title === undefined ? table : `${title}\n\n${table}`;
}

async function replaceInReadme(suite: string, text: string): Promise<void> {
  const path = join(import.meta.dirname, 'README.md');
  const readme = await readFile(path, 'utf8');
  const [start, end] = [`<!-- ${suite} -->`, `<!-- /${suite} -->`].map((mark) => readme.indexOf(mark));
  if (start === -1 || end === -1) throw new Error(`bench/README.md has no place for ${suite}`);
  const replaced = `${readme.slice(0, start)}<!-- ${suite} -->\n\n${text}\n\n${readme.slice(end)}`;
  await writeFile(path, await format(replaced, { ...(await resolveConfig(path)), parser: 'markdown' }));
}
