import { Presets, SingleBar } from 'cli-progress';
import { Option, type Command } from 'commander';
import { createReadStream, type ReadStream } from 'node:fs';
import { open, realpath, rm, stat, type FileHandle } from 'node:fs/promises';
import { IMPORTED_ATTRIBUTES, UserImport, type ImportLine, type RefusedLine } from '../users/import.js';
import type { Common } from './common-options.js';
import { FileError, sentenceOfProblem, UsageError } from './failure.js';
import { Output } from './output.js';
import { withService, type Service } from './service.js';
import { FORMATS, readUsers, type Format } from './user-file.js';

const LINES_AT_ONCE = 1_000;

const MORE_HELP = `
A line of NDJSON is an object, a line of CSV a record under a header line, with any of
  ${IMPORTED_ATTRIBUTES.join(', ')}.
password_hash is a bcrypt hash ($2a$, $2b$ or $2y$) whose cost is at most BCRYPT_COST; without one the user has
no password. Rights cannot be imported: see \`latchkey users set-rights\`.
Users that are there already are left as they are, so an import that was interrupted is simply started again.
Exits 1 when lines were refused.`;

/** Adds `latchkey users import`. */
export function addImport(users: Command): void {
  users
    .command('import <file>')
    .description('Add users from a file, with the password hashes of some other system')
    .addOption(new Option('--format <format>', "by default from the file's name").choices(FORMATS))
    .option('--report <path>', 'where refused lines are told of; by default FILE.refused.ndjson')
    .addHelpText('after', MORE_HELP)
    .action((file: string, _options, command: Command) => importUsers(file, command.optsWithGlobals()));
}

interface ImportOptions extends Common {
  readonly format?: Format;
  readonly report?: string;
}

interface Totals {
  added: number;
  alreadyThere: number;
  refused: number;
}

async function importUsers(path: string, options: ImportOptions): Promise<void> {
  const format = options.format ?? formatOf(path);
  const reportPath = options.report ?? `${path}.refused.ndjson`;
  const size = await sizeOf(path);
  if ((await realpath(reportPath).catch(() => null)) === (await realpath(path))) {
    throw new UsageError('The report cannot be the file itself');
  }
  const totals: Totals = { added: 0, alreadyThere: 0, refused: 0 };
  const stopped = await withService(options.audit, async (service) => {
    const report = await open(reportPath, 'w').catch(fail('The report cannot be written'));
    const file = createReadStream(path);
    const bar = progressBar(size);
    try {
      await addAll(service, batchesOf(readUsers(file, format)), totals, report, () =>
        progress(bar, file, totals),
      );
    } finally {
      bar?.stop();
      file.destroy();
      await report.close();
      if (totals.refused === 0) await rm(reportPath, { force: true });
    }
    return service.stop.aborted;
  });
  tell(options, totals, stopped, totals.refused === 0 ? null : reportPath);
}

/** Stops between two batches when it is told to. */
async function addAll(
  service: Service,
  batches: AsyncIterable<readonly ImportLine[]>,
  totals: Totals,
  report: FileHandle,
  advance: () => void,
): Promise<void> {
  const users = service.get(UserImport);
  for await (const batch of batches) {
    if (service.stop.aborted) return;
    const { added, alreadyThere, refused } = await users.add(batch);
    totals.added += added;
    totals.alreadyThere += alreadyThere;
    totals.refused += refused.length;
    await report.write(refused.map(reportLine).join(''));
    advance();
  }
}

/** The number and the reasons: nothing of what stood in the line. */
function reportLine({ number, problems }: RefusedLine): string {
  return `${JSON.stringify({ line: number, reasons: problems.map(sentenceOfProblem) })}\n`;
}

function tell(options: Common, totals: Totals, stopped: boolean, report: string | null): void {
  const { added, alreadyThere, refused } = totals;
  new Output(options.json).done(
    [`Users added: ${added}; already there: ${alreadyThere}; refused: ${refused}`],
    {
      added,
      already_there: alreadyThere,
      refused,
      report,
      complete: !stopped,
    },
  );
  if (stopped) process.stderr.write('Stopped before the end: the same command goes on from there\n');
  if (refused === 0) return;
  process.stderr.write(`Lines refused: ${refused}, see ${report}\n`);
  process.exitCode ??= 1;
}

async function* batchesOf(lines: AsyncIterable<ImportLine>): AsyncGenerator<readonly ImportLine[]> {
  let batch: ImportLine[] = [];
  for await (const line of lines) {
    batch.push(line);
    if (batch.length < LINES_AT_ONCE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function formatOf(path: string): Format {
  if (/\.(nd)?jsonl?$/i.test(path)) return 'ndjson';
  if (/\.csv$/i.test(path)) return 'csv';
  throw new UsageError('The name of the file does not tell its format: use --format ndjson or --format csv');
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(fail('The file cannot be read'));
  if (!found.isFile()) throw new FileError('The file cannot be read: it is no file');
  await (await open(path).catch(fail('The file cannot be read'))).close();
  return found.size;
}

/** For a person at a terminal only. */
function progressBar(size: number): SingleBar | null {
  if (!process.stderr.isTTY) return null;
  const format = '{bar} {percentage}% | {added} added, {refused} refused | {eta_formatted} left';
  const bar = new SingleBar({ format, stream: process.stderr, hideCursor: true }, Presets.shades_classic);
  bar.start(size, 0, { added: 0, refused: 0 });
  return bar;
}

function progress(bar: SingleBar | null, { bytesRead }: ReadStream, { added, refused }: Totals): void {
  bar?.update(bytesRead, { added, refused });
}

function fail(sentence: string): (error: unknown) => never {
  return (error) => {
    const { code } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      ENOENT: 'it is not there',
      EACCES: 'this user may not',
      EISDIR: 'it is a directory',
    };
    throw new FileError(`${sentence}: ${reasons[code ?? ''] ?? code ?? 'unknown'}`);
  };
}
