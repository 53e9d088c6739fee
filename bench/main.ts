import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { faces } from './faces.js';

/** A suite measures and hands back the rows of its table. */
type Suite = () => Promise<readonly Readonly<Record<string, string | number | null>>[]>;

const SUITES: Readonly<Record<string, Suite>> = { faces };

const name = process.argv[2] ?? '';
const suite = Object.hasOwn(SUITES, name) ? SUITES[name] : undefined;
if (suite === undefined) {
  process.stderr.write(`npm run bench -- ${Object.keys(SUITES).join('|')}\n`);
  process.exitCode = 2;
} else {
  const rows = await suite();
  const results = join(import.meta.dirname, 'results');
  const [cpu] = cpus();
  const run = {
    suite: name,
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD']).toString().trim(),
    node: process.version,
    machine: `${cpus().length} × ${cpu?.model ?? 'unknown'}`,
    rows,
  };
  await mkdir(results, { recursive: true });
  await writeFile(join(results, `${name}.json`), `${JSON.stringify(run, null, 2)}\n`);
  process.stdout.write(`${asTable(rows)}\n`);
}

function asTable(rows: readonly Readonly<Record<string, string | number | null>>[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const lines = rows.map((row) => columns.map((column) => String(row[column] ?? '–')));
  return [columns, columns.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
