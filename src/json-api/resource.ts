import type { FieldKind } from '../page.js';

/** One attribute of a resource as JSON:API shows it; the key it stands under is its name on the wire. */
export interface Attribute<Row> {
  /** The JSON value of a row; a Date is written as ISO 8601 with milliseconds and the offset `+00:00`. */
  read(row: Row): unknown;
  readonly kind: FieldKind | 'list' | 'number' | 'object';
  /** The core's name of it, when it can be filtered and sorted by. */
  readonly field?: string;
  /** Whether it may be null; nobody can page by cursor over such a field. */
  readonly nullable?: boolean;
  /** Sent only when `fields[type]` asks for it by name (DECISIONS.md, Native 13). */
  readonly byName?: boolean;
  /** `filter[x]=all` is understood, as "no such condition", and told by `everyone`. */
  readonly allowsAll?: boolean;
  /** What a client may send of a server-owned attribute when it creates, besides null. */
  readonly initial?: unknown;
  /** Changes by itself: what a client sends back of it is ignored, except an instant later than the stored one. */
  readonly moves?: boolean;
  /** Its own way of "equal to what is stored", for what is not stored as it is shown. */
  matches?(row: Row, sent: unknown): boolean;
}

/** An attribute that a list can be filtered and sorted by. */
type Queryable<Row> = Attribute<Row> & { readonly field: string; readonly kind: FieldKind };

/** Whether a list can be filtered and sorted by an attribute. */
export function isQueryable<Row>(attribute: Attribute<Row> | undefined): attribute is Queryable<Row> {
  return attribute?.field !== undefined;
}

/** A to-one relationship; `read` returns undefined when there is no related row. */
interface Relationship<Row> {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- rows of any type may be related
  readonly resource: Resource<any>;
  read(row: Row): object | undefined;
}

/** How one type of resource is shown and queried. Its attributes are sent in the order of their keys. */
export interface Resource<Row> {
  readonly type: string;
  id(row: Row): string;
  readonly attributes: Readonly<Record<string, Attribute<Row>>>;
  readonly relationships: Readonly<Record<string, Relationship<Row>>>;
}

/** A resource whose rows are of no interest: to parse requests about it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- Resource<Row> is contravariant in Row
export type AnyResource = Resource<any>;
