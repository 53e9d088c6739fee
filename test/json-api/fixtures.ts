import type { Request, Response } from 'express';
import type { Slice } from '../../src/page.js';
import type { Resource } from '../../src/json-api/resource.js';

/** A resource with one attribute of every kind, and someone it belongs to. */
export interface Thing {
  id: string;
  name: string | null;
  ownerId: string;
  done: boolean;
  seenAt: Date;
  tags: string[];
  owner?: Person;
}

export interface Person {
  id: string;
  email: string;
}

export const personResource: Resource<Person> = {
  type: 'people',
  id: (person) => person.id,
  attributes: { email: { read: (person) => person.email, kind: 'text', field: 'email' } },
  relationships: {},
};

export const thingResource: Resource<Thing> = {
  type: 'things',
  id: (thing) => thing.id,
  attributes: {
    name: { read: (thing) => thing.name, kind: 'text', field: 'name', nullable: true },
    owner_id: { read: (thing) => Number(thing.ownerId), kind: 'integer', field: 'ownerId', allowsAll: true },
    done: { read: (thing) => thing.done, kind: 'boolean', field: 'done', initial: false },
    seen_at: { read: (thing) => thing.seenAt, kind: 'instant', field: 'seenAt', moves: true },
    tags: { read: (thing) => thing.tags, kind: 'list' },
    token: { read: () => null, kind: 'text', matches: (_, sent) => sent === 'the stored one' },
    hidden: { read: () => 'h', kind: 'text', field: 'hidden', byName: true },
  },
  relationships: { owner: { resource: personResource, read: (thing) => thing.owner } },
};

export const thing = (id: string, changes: Partial<Thing> = {}): Thing => ({
  id,
  name: null,
  ownerId: '7',
  done: false,
  seenAt: new Date('2024-04-18T04:02:03.470Z'),
  tags: ['a'],
  owner: { id: '7', email: 'o@example.com' },
  ...changes,
});

export const slice = <Row>(rows: readonly Row[], changes: Partial<Slice<Row>> = {}): Slice<Row> => ({
  rows,
  total: rows.length,
  hasUncounted: false,
  hasPrevious: false,
  hasNext: false,
  ...changes,
});

/** As much of a request as the layer reads. */
export function asked(url: string, headers: Record<string, string> = {}, body?: unknown): Request {
  const [path] = url.split('?');
  const response = new Recorder();
  return { originalUrl: url, baseUrl: '', path, headers, body, res: response } as unknown as Request;
}

/** As much of a response as the layer writes, kept to be looked at. */
export class Recorder {
  statusCode = 0;
  readonly headers = new Map<string, unknown>();
  readonly app = { locals: { publicUrl: 'https://latchkey.example.com' } };
  private bytes: Buffer = Buffer.alloc(0);

  setHeader(name: string, value: unknown): void {
    this.headers.set(name.toLowerCase(), value);
  }

  vary(name: string): void {
    this.headers.set('vary', name);
  }

  end(bytes: Buffer = Buffer.alloc(0)): void {
    this.bytes = bytes;
  }

  get text(): string {
    return this.bytes.toString();
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- documents are looked into freely
  get document(): any {
    return JSON.parse(this.text);
  }

  get asResponse(): Response {
    return this as unknown as Response;
  }
}
