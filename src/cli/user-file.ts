import { parse } from 'csv-parse';
import type { Readable } from 'node:stream';
import { IMPORTED_ATTRIBUTES, type ImportLine } from '../users/import.js';
import { FileError } from './failure.js';

/** How a file of users is written. */
export const FORMATS = ['ndjson', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

/** Far beyond any user; a file that is none of ours must not fill the memory. */
const LONGEST_LINE_BYTES = 64 * 1024;

/**
 * The lines of a file of users, one after the other; a line that cannot be read comes without attributes.
 * @throws FileError for a CSV file whose header is not one of ours
 */
export function readUsers(file: Readable, format: Format): AsyncGenerator<ImportLine> {
  return format === 'csv' ? readCsv(file) : readNdjson(file);
}

async function* readNdjson(file: Readable): AsyncGenerator<ImportLine> {
  let number = 0;
  for await (const line of linesOf(file)) {
    number++;
    if (line === null) yield { number, attributes: null };
    else if (line.trim() !== '') yield { number, attributes: attributesOf(line) };
  }
}

/** Lines end with LF or CRLF and nothing else; null stands for one that is too long. */
async function* linesOf(file: Readable): AsyncGenerator<string | null> {
  let kept: Buffer[] = [];
  let bytes = 0;
  const take = () => {
    const line = bytes > LONGEST_LINE_BYTES ? null : Buffer.concat(kept).toString('utf8').replace(/\r$/, '');
    [kept, bytes] = [[], 0];
    return line;
  };
  const keep = (part: Buffer) => {
    bytes += part.length;
    if (bytes <= LONGEST_LINE_BYTES) kept.push(part);
  };
  for await (const chunk of file as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      keep(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    keep(chunk.subarray(start));
  }
  if (bytes > 0) yield take();
}

function attributesOf(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line.replace(/^\ufeff/, ''));
    const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isRecord && !line.includes('\ufffd') ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** RFC 4180, the first record being the header. A record of several lines is known by its last one. */
async function* readCsv(file: Readable): AsyncGenerator<ImportLine> {
  const broken: number[] = [];
  const parser = file.pipe(
    parse({
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      max_record_size: LONGEST_LINE_BYTES,
      on_skip: (error) => {
        broken.push(Number((error as { lines?: number } | undefined)?.lines ?? 0));
        return undefined;
      },
    }),
  );
  file.once('error', (error) => parser.destroy(error));
  let header: readonly string[] | null = null;
  for await (const { info, record } of parser as AsyncIterable<{
    info: { lines: number };
    record: string[];
  }>) {
    for (const number of broken.splice(0)) yield { number, attributes: null };
    if (header === null) header = checkedHeader(record);
    else yield { number: info.lines, attributes: pairs(header, record) };
  }
  for (const number of broken) yield { number, attributes: null };
  if (header === null) throw new FileError('The file has no header line');
}

/** A name that is not known is not repeated: without a header, the first line is somebody's data. */
function checkedHeader(record: readonly string[]): readonly string[] {
  const known: readonly string[] = IMPORTED_ATTRIBUTES;
  const names = record.map((name) => name.trim());
  const strange = names.findIndex((name, index) => !known.includes(name) || names.indexOf(name) !== index);
  if (strange !== -1) {
    const what =
      names[strange] === 'rights' ? 'is rights, which cannot be imported' : 'is not known, or is there twice';
    throw new FileError(`Column ${strange + 1} of the header ${what}. The columns are ${known.join(', ')}`);
  }
  if (!names.includes('email')) throw new FileError('The header has no column email');
  return names;
}

/** An empty cell is no value at all; so many cells as columns, or it is no record. */
function pairs(header: readonly string[], record: readonly string[]): Record<string, unknown> | null {
  if (record.length !== header.length || record.some((cell) => cell.includes('\ufffd'))) return null;
  return Object.fromEntries(header.map((name, index) => [name, record[index] || null]));
}
