import pg from 'pg';

/** How the rows of a statement are read. */
interface Description {
  fields: unknown;
  _parsers: unknown;
  _prebuiltEmptyResultObject: unknown;
}

/** The inside of pg's query, of which its types say nothing; a test holds pg to it. */
interface Inside {
  name: string;
  readonly _result: Description;
  _accumulateRows: boolean;
  prepare(connection: pg.Connection): void;
  handleRowDescription(message: unknown): void;
}
/** How whoever asked is answered. */
export type Answer = (error: Error | null, result: unknown) => void;
const Query = pg.Query as unknown as new (text: string, values: unknown, answer: Answer) => Inside;

/** A statement with the name that it is prepared under. */
export interface Named {
  readonly name: string;
  readonly text: string;
  readonly values?: unknown;
}

/**
 * A named statement whose rows are described once on each connection. pg has them described with every run, which costs
 * more than all the rest of reading a session with its user. A description stays true: PostgreSQL refuses to run a
 * prepared statement that by now would answer with other columns.
 */
export class DescribedOnce extends Query {
  private descriptions: Map<string, Description>;

  /** @param answer is called with the rows, or with what went wrong */
  constructor({ name, text }: Named, values: unknown, answer: Answer) {
    super(text, values, answer); // a text: pg copies an object property by property, with all their descriptors
    this.name = name;
  }

  override prepare(connection: pg.Connection): void {
    const { descriptions, undescribing } = knownOf(connection);
    const description = descriptions.get(this.name);
    this.descriptions = descriptions;
    if (description === undefined) return super.prepare(connection);
    Object.assign(this._result, description);
    this._accumulateRows = true;
    super.prepare(undescribing);
  }

  override handleRowDescription(message: unknown): void {
    super.handleRowDescription(message);
    const { fields, _parsers, _prebuiltEmptyResultObject } = this._result;
    this.descriptions.set(this.name, { fields, _parsers, _prebuiltEmptyResultObject });
  }
}

interface Known {
  /** By the names of the statements. */
  readonly descriptions: Map<string, Description>;
  /** The same connection, except that it passes over what is to be described. */
  readonly undescribing: pg.Connection;
}

const known = new WeakMap<pg.Connection, Known>();

function knownOf(connection: pg.Connection): Known {
  let found = known.get(connection);
  if (found === undefined) {
    const undescribing = Object.create(connection, { describe: { value: () => undefined } }) as pg.Connection;
    found = { descriptions: new Map(), undescribing };
    known.set(connection, found);
  }
  return found;
}
