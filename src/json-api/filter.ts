import {
  type Condition,
  type Filter,
  type FieldKind,
  OPERATORS,
  type Operator,
  type Value,
} from '../page.js';
import { Refusal } from '../refusal.js';
import { type Parameter, shown } from './query-string.js';
import { isQueryable, type AnyResource, type Attribute } from './resource.js';
import { readValue } from './values.js';

/** What the filter parameters of a request ask for. */
export interface FilterResult {
  readonly filter: Filter | null;
  /** Whether a field that allows it was asked for with `all`. */
  readonly everyone: boolean;
}

const MAX_CONDITIONS = 50;
const MAX_LEVELS = 4;
const MAX_VALUES = 200;

/** A group being gathered: `filter[1][$op]` and whatever stands under `filter[1]`. */
interface Node {
  combine: 'and' | 'or' | undefined;
  /** By name and operator, so that a repeated parameter adds values. */
  readonly conditions: Map<string, { field: string; operator: Operator; values: Value[] }>;
  readonly children: Map<string, Node>;
}

/**
 * `filter[name]=a,b`, `filter[name][not_eq]=a`, and groups: `filter[$op]=or`, `filter[0][name]=a`,
 * `filter[1][0][name]=b` (CONTRACTS.md §1.1). At most 50 conditions, 4 levels and 200 values for a condition.
 * @param parameters the parameters `filter[…]`
 * @throws Refusal `unsupported_filter`, `invalid_parameter`
 */
export function readFilters(parameters: readonly Parameter[], resource: AnyResource): FilterResult {
  const root = emptyNode();
  let everyone: Parameter | undefined;
  if (parameters.length > MAX_CONDITIONS) throw tooMuch(`At most ${MAX_CONDITIONS} conditions can be given`);
  for (const parameter of parameters) {
    const levels = parameter.path.findIndex((segment) => !/^\d{1,3}$/.test(segment));
    const depth = levels < 0 ? parameter.path.length : levels;
    if (depth > MAX_LEVELS - 1) throw tooMuch(`Filters can be grouped ${MAX_LEVELS} levels deep`);
    const node = nodeAt(root, parameter.path.slice(0, depth));
    const [name = '', operator = 'eq', ...rest] = parameter.path.slice(depth);
    if (name === '$op' && parameter.path.length === depth + 1) readCombine(node, parameter);
    else if (rest.length > 0) throw unsupported(name, parameter);
    else if (asksForAll(name, operator, parameter, resource)) everyone = parameter;
    else addCondition(node, name, operator, parameter, resource);
  }
  refuseMisplacedAll(everyone, root, resource);
  return { filter: toFilter(root), everyone: everyone !== undefined };
}

function emptyNode(): Node {
  return { combine: undefined, conditions: new Map(), children: new Map() };
}

function nodeAt(root: Node, path: readonly string[]): Node {
  let node = root;
  for (const segment of path) {
    const child = node.children.get(segment) ?? emptyNode();
    node.children.set(segment, child);
    node = child;
  }
  return node;
}

function readCombine(node: Node, parameter: Parameter): void {
  const { value } = parameter;
  if (node.combine !== undefined || (value !== 'and' && value !== 'or')) {
    throw invalid(parameter, 'A group is combined by either and or or, once');
  }
  node.combine = value;
}

function addCondition(
  node: Node,
  name: string,
  written: string,
  parameter: Parameter,
  resource: AnyResource,
): void {
  const attribute = filterable(name, resource);
  if (attribute === undefined) throw unsupported(name, parameter);
  const { field, kind } = attribute;
  const operator = OPERATORS.find((known) => known === written);
  if (operator === undefined || !suits(operator, kind)) {
    const detail = `Filter '${name}' does not support this operator`;
    throw new Refusal('unsupported_filter', { parameter: shown(parameter.name), detail });
  }
  const key = `${name} ${operator}`;
  const condition = node.conditions.get(key) ?? { field, operator, values: [] };
  node.conditions.set(key, condition);
  for (const text of parameter.value.split(',')) {
    const value = readValue(text, kind);
    if (value === undefined) throw invalid(parameter, EXPECTED[kind]);
    condition.values.push(value);
  }
  if (condition.values.length > MAX_VALUES)
    throw invalid(parameter, `At most ${MAX_VALUES} values can be given`);
}

function filterable(name: string, resource: AnyResource) {
  const attribute: Attribute<object> | undefined = Object.hasOwn(resource.attributes, name)
    ? resource.attributes[name]
    : undefined;
  return isQueryable(attribute) ? attribute : undefined;
}

function suits(operator: Operator, kind: FieldKind): boolean {
  if (operator === 'eq' || operator === 'not_eq') return true;
  if (operator === 'contains' || operator === 'not_contain') return kind === 'text';
  return kind !== 'boolean';
}

const EXPECTED: Record<FieldKind, string> = {
  text: 'A text is expected',
  boolean: 'true or false is expected',
  integer: 'A whole number is expected',
  instant: 'A date, or a date and time with an offset, is expected',
};

function asksForAll(name: string, operator: string, { value }: Parameter, resource: AnyResource): boolean {
  return value === 'all' && operator === 'eq' && filterable(name, resource)?.allowsAll === true;
}

/** Inside a group "all" would have to be a condition that always holds, and beside ids it contradicts them. */
function refuseMisplacedAll(everyone: Parameter | undefined, root: Node, resource: AnyResource): void {
  if (everyone === undefined) return;
  const [name = ''] = everyone.path;
  const field = filterable(name, resource)?.field;
  const beside = [...root.conditions.values()].some((condition) => condition.field === field);
  if (field === undefined || beside || root.combine === 'or') {
    throw invalid(everyone, '`all` stands alone, outside of groups');
  }
}

function toFilter({ combine = 'and', conditions, children }: Node): Filter | null {
  const members: Filter[] = [...conditions.values()] satisfies Condition[];
  for (const child of children.values()) {
    const member = toFilter(child);
    if (member !== null) members.push(member);
  }
  if (members.length > 1) return { combine, members };
  return members[0] ?? null;
}

function unsupported(name: string, parameter: Parameter): Refusal {
  const detail = `Filter '${shown(name)}' is not supported on this endpoint`;
  return new Refusal('unsupported_filter', { parameter: shown(parameter.name), detail });
}

function invalid(parameter: Parameter, detail: string): Refusal {
  return new Refusal('invalid_parameter', { parameter: shown(parameter.name), detail });
}

function tooMuch(detail: string): Refusal {
  return new Refusal('invalid_parameter', { parameter: 'filter', detail });
}
