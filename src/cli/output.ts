import { OPERATOR, type Caller } from '../caller.js';
import type { Resource } from '../json-api/resource.js';
import type { Filter, Page, Place, Slice } from '../page.js';

const ROWS_AT_ONCE = 500;

/** Names of a resource's members on the wire, and their values as JSON has them. */
type Shown = Readonly<Record<string, unknown>>;

/** Writes results to standard output: for people, or one JSON object a line for machines. */
export class Output {
  constructor(private readonly json: boolean) {}

  /** Says what was done, to people in so many lines. */
  done(lines: readonly string[], forMachines: object): void {
    for (const line of this.json ? [jsonLine(forMachines)] : lines.map(printable)) this.line(line);
  }

  /**
   * Lists resources as they come, under the API's own names; people see the named columns only.
   * @param pages what `everyPage` gives
   */
  async list<Row>(
    resource: Resource<Row>,
    columns: readonly string[],
    pages: AsyncIterable<readonly Row[]>,
  ): Promise<void> {
    let widths = columns.map(({ length }) => length);
    let first = true;
    for await (const rows of pages) {
      const shown = rows.map((row) => shownOf(resource, row));
      if (this.json) {
        for (const each of shown) this.line(jsonLine(each));
        continue;
      }
      const cells = shown.map((each) => columns.map((name) => cellOf(each[name])));
      widths = widths.map((width, index) =>
        Math.max(width, ...cells.map((row) => [...(row[index] ?? '')].length)),
      );
      for (const row of first ? [columns, ...cells] : cells) this.line(tableLine(row, widths));
      first = false;
    }
  }

  private line(text: string): void {
    process.stdout.write(`${text}\n`);
  }
}

/** A resource as one flat object: its id, then every attribute under the API's name. */
export function shownOf<Row>(resource: Resource<Row>, row: Row): Shown {
  const attributes = Object.entries(resource.attributes).map(([name, attribute]) => [
    name,
    attribute.read(row),
  ]);
  return { id: resource.id(row), ...(Object.fromEntries(attributes) as Shown) };
}

/** Everything that a service lists for the operator, oldest first, so many rows at a time. */
export async function* everyPage<Row extends { id: string }>(
  list: (caller: Caller, page: Page) => Promise<Slice<Row>>,
  filter: Filter | null = null,
): AsyncGenerator<readonly Row[]> {
  let place: Place | null = null;
  for (let more = true; more;) {
    const window = { kind: 'after', place, limit: ROWS_AT_ONCE } as const;
    const sort = [{ field: 'id', descending: false }];
    const slice: Slice<Row> = await list(OPERATOR, { filter, sort, window, countTotal: false });
    yield slice.rows;
    place = [slice.rows.at(-1)?.id ?? ''];
    more = slice.hasNext;
  }
}

function tableLine(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, index) => cell + ' '.repeat(Math.max(0, (widths[index] ?? 0) - [...cell].length)))
    .join('  ')
    .trimEnd();
}

function cellOf(value: unknown): string {
  if (value instanceof Date) return `${value.toISOString().slice(0, 16).replace('T', ' ')}Z`;
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.join(',');
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string' && value !== '') return printable(value);
  return typeof value === 'number' ? String(value) : '-';
}

/** What users named themselves must not play with the operator's terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd');
}

/** JSON escapes the control characters of ASCII itself; the others would still reach a terminal. */
function jsonLine(value: object): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
