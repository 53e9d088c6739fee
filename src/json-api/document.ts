import { validateSync } from 'class-validator';
import type { Request } from 'express';
import { type Problem, type Reason, Refusal } from '../refusal.js';
import { isWellFormed } from '../secrets.js';
import type { AnyResource } from './resource.js';
import { declaredNames } from './rules.js';
import { ownedProblems } from './server-owned.js';

/** The resource of a request document, checked for form only. Both objects have no prototype. */
interface SentResource {
  readonly id?: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly relationships: Readonly<Record<string, unknown>>;
}

interface ReadOptions {
  /** The id in the URL; the document has to name it too. */
  readonly id?: string;
  /** With `id`: the document may leave it out. For PUT routes and DELETE bodies. */
  readonly anyId?: boolean;
}

/**
 * The primary data of a request document (JSON:API 1.1 §crud). Members that JSON:API does not define are ignored.
 * @throws Refusal `invalid_document`, `type_mismatch`, `id_mismatch`, or `client_generated_id` on creation.
 */
export function readResource(
  request: Request,
  resource: AnyResource,
  options: ReadOptions = {},
): SentResource {
  const root: unknown = request.body;
  // No member is named here: without a document there is nothing to point into.
  if (!isObject(root))
    throw new Refusal('invalid_document', { detail: 'Send a document with a member data' });
  const data = root.data;
  if (!isObject(data)) throw malformed('data', 'data must be a resource object');
  if (typeof data.type !== 'string') throw malformed('data/type', 'type must be a string');
  if (data.type !== resource.type) throw new Refusal('type_mismatch', { member: 'data/type' });
  const id = readId(data.id, options);
  return {
    ...(id === undefined ? {} : { id }),
    attributes: readMembers(data.attributes, 'data/attributes'),
    relationships: readMembers(data.relationships, 'data/relationships'),
  };
}

/**
 * The sent attributes that a shape declares by class-validator decorators, whose messages are Reasons, validated;
 * absent ones stay undefined. Decorators nearest to a property are asked first, and the first no counts.
 * Attributes that the resource has and the shape does not are the server's: see `ownedProblems`.
 * @param stored the row to be changed; none on creation
 * @throws Refusal with a problem for each attribute that is wrong, in the order of declaration
 */
export function readAttributes<T extends object>(
  shape: new () => T,
  sent: SentResource,
  resource: AnyResource,
  stored?: object,
): T {
  const names = declaredNames(shape);
  const target = new shape();
  for (const name of names) {
    if (name in sent.attributes) Object.assign(target, { [name]: sent.attributes[name] });
  }
  const problems = [
    ...shapeProblems(target, names),
    ...ownedProblems(sent.attributes, resource, new Set(names), stored),
  ];
  const [first, ...others] = problems;
  if (first) throw Refusal.of([first, ...others]);
  return target;
}

/**
 * The id that a to-one relationship names; undefined when it is absent or empty.
 * @throws Refusal `invalid_document` for anything but an identifier, `type_mismatch` for one of another type
 */
export function readRelated(sent: SentResource, name: string, type: string): string | undefined {
  const relationship = sent.relationships[name];
  const member = `data/relationships/${name}`;
  if (relationship === undefined) return undefined;
  if (!isObject(relationship)) throw malformed(member, 'A relationship must be an object');
  const { data } = relationship;
  if (data === undefined || data === null) return undefined;
  if (!isObject(data) || typeof data.type !== 'string' || typeof data.id !== 'string') {
    throw malformed(`${member}/data`, 'A to-one relationship names one type and id');
  }
  if (data.type !== type) throw new Refusal('type_mismatch', { member: `${member}/data/type` });
  return data.id;
}

function readId(sent: unknown, { id, anyId = false }: ReadOptions): string | undefined {
  const absent = sent === undefined || sent === null; // WarpDrive sends "id": null
  if (absent && (id === undefined || anyId)) return undefined;
  if (typeof sent !== 'string') throw malformed('data/id', 'id must be a string');
  if (id === undefined) throw new Refusal('client_generated_id', { member: 'data/id' });
  if (sent !== id) throw new Refusal('id_mismatch', { member: 'data/id' });
  return sent;
}

function readMembers(sent: unknown, member: string): Record<string, unknown> {
  const members = Object.create(null) as Record<string, unknown>;
  if (sent === undefined) return members;
  if (!isObject(sent)) throw malformed(member, `${member.slice('data/'.length)} must be an object`);
  for (const name of Object.keys(sent)) {
    if (!name.startsWith('@') && !POLLUTING.has(name)) members[name] = sent[name];
  }
  return members;
}

const POLLUTING = new Set(['__proto__', 'constructor', 'prototype']);

function shapeProblems(target: object, names: readonly string[]): Problem[] {
  const wrong = new Map<string, Reason>();
  for (const { property, constraints } of validateSync(target, { stopAtFirstError: true })) {
    wrong.set(property, (Object.values(constraints ?? {})[0] ?? 'invalid') as Reason);
  }
  for (const name of names) {
    const value = (target as Record<string, unknown>)[name];
    if (!wrong.has(name) && !JUDGED_BY_SHAPE.has(name) && !isStorable(value)) wrong.set(name, 'invalid');
  }
  return names.flatMap((name) => {
    const reason = wrong.get(name);
    return reason === undefined ? [] : [{ reason, attribute: name }];
  });
}

/** At sign-in these are answered like any other wrong e-mail or password. */
const JUDGED_BY_SHAPE = new Set(['email', 'password', 'current_password']);

/** PostgreSQL keeps neither NUL nor half a surrogate pair in a text. */
function isStorable(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isStorable);
  return typeof value !== 'string' || (!value.includes('\0') && isWellFormed(value));
}

function malformed(member: string, detail: string): Refusal {
  return new Refusal('invalid_document', { member, detail });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
