import { Refusal } from '../refusal.js';
import { type Parameter, shown } from './query-string.js';
import type { AnyResource } from './resource.js';

/** Which related resources and which fields of each type a client asked for. */
export interface Selection {
  /** The relationships asked for; null when `include` was not given, empty for `?include=`. */
  readonly include: ReadonlySet<string> | null;
  /** The fields asked for by `fields[type]`, attributes and relationships; a type not asked about is missing. */
  readonly fields: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * @param include the parameter `include`, when given
 * @param fields the parameters `fields[…]`
 * @throws Refusal `unsupported_include`, `unsupported_field`
 */
export function readSelection(
  include: Parameter | undefined,
  fields: readonly Parameter[],
  resource: AnyResource,
): Selection {
  return {
    include: include === undefined ? null : readInclude(include.value, resource),
    fields: new Map(fields.map((parameter) => readFields(parameter, resource))),
  };
}

function readInclude(value: string, resource: AnyResource): ReadonlySet<string> {
  const names = value === '' ? [] : value.split(',');
  const unknown = names.find((name) => !Object.hasOwn(resource.relationships, name));
  if (unknown !== undefined) {
    const detail = `Include '${shown(unknown)}' is not supported on this endpoint`;
    throw new Refusal('unsupported_include', { parameter: 'include', detail });
  }
  return new Set(names);
}

function readFields({ name, path, value }: Parameter, resource: AnyResource): [string, ReadonlySet<string>] {
  const [type = ''] = path;
  const known = [
    resource,
    ...Object.values(resource.relationships).map((relationship) => relationship.resource),
  ];
  const described = known.find((candidate) => candidate.type === type);
  if (!described) {
    const detail = `Type '${shown(type)}' does not occur on this endpoint`;
    throw new Refusal('unsupported_field', { parameter: shown(name), detail });
  }
  const fields = value === '' ? [] : value.split(',');
  const unknown = fields.find(
    (field) => !Object.hasOwn(described.attributes, field) && !Object.hasOwn(described.relationships, field),
  );
  if (unknown !== undefined) {
    const detail = `Field '${shown(unknown)}' does not exist on type '${type}'`;
    throw new Refusal('unsupported_field', { parameter: shown(name), detail });
  }
  return [type, new Set(fields)];
}
