import { OPERATORS } from '../page.js';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../json-api/paging.js';
import type { AnyResource, Attribute } from '../json-api/resource.js';
import type { Operation } from './operation.js';
import type { Schema } from './schemas.js';

/** A parameter object of OpenAPI 3.1. */
export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required?: boolean;
  readonly description: string;
  readonly style?: 'deepObject';
  readonly explode?: boolean;
  readonly schema: Schema;
}

/** The parameters of a route: those in its path, those of its family of queries, and its own. */
export function parametersOf(path: string, { native, face, parameters = [] }: Operation): Parameter[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) =>
    pathParameter(name, face ? '^[A-Za-z0-9_-]+$' : '^[0-9]+$'),
  );
  const own = parameters.map((parameter) => ({ ...parameter, in: 'query' as const }));
  if (native === undefined) return [...inPath, ...own];
  const { resource, query } = native;
  const asked = [
    ...(query === 'list' ? [...PAGE, sortOf(resource)] : []),
    ...(query === 'one' ? [] : [filterOf(resource)]),
    ...(query === 'filter' ? [] : selectionOf(resource)),
  ];
  return [...inPath, ...own, ...asked];
}

function pathParameter(name: string, pattern: string): Parameter {
  return {
    name,
    in: 'path',
    required: true,
    description: 'The id.',
    schema: { type: 'string', pattern },
  };
}

const PAGE: readonly Parameter[] = [
  {
    name: 'page[number]',
    in: 'query',
    description: 'The page, from 1.',
    schema: { type: 'integer', minimum: 1, default: 1 },
  },
  {
    name: 'page[size]',
    in: 'query',
    description: `Resources on a page; more than ${MAX_PAGE_SIZE} count as ${MAX_PAGE_SIZE}, or with cursors are refused.`,
    schema: { type: 'integer', minimum: 1, default: DEFAULT_PAGE_SIZE },
  },
  {
    name: 'page[after]',
    in: 'query',
    description:
      'In place of `page[number]`: the page after this cursor, of the JSON:API cursor pagination profile. Empty: the first page.',
    schema: { type: 'string' },
  },
  {
    name: 'page[before]',
    in: 'query',
    description: 'In place of `page[number]`: the page before this cursor. Empty: the last page.',
    schema: { type: 'string' },
  },
];

function sortOf(resource: AnyResource): Parameter {
  const names = ['id', ...queryable(resource)].map((name) => `\`${name}\``).join(', ');
  return {
    name: 'sort',
    in: 'query',
    description: `Up to five of ${names}, with commas; \`-\` before one reverses it.`,
    schema: { type: 'string', default: '-id' },
  };
}

function filterOf(resource: AnyResource): Parameter {
  const operators = OPERATORS.map((operator) => `\`${operator}\``).join(', ');
  return {
    name: 'filter',
    in: 'query',
    description: [
      '`filter[name]=value`, or `filter[name][operator]=value`, with commas for any of several.',
      `Operators: ${operators}.`,
      'Groups: `filter[$op]=or`, `filter[0][name]=…`, `filter[1][name]=…`.',
    ].join(' '),
    style: 'deepObject',
    explode: true,
    schema: {
      type: 'object',
      properties: Object.fromEntries(queryable(resource).map((name) => [name, { type: 'string' }])),
    },
  };
}

function selectionOf(resource: AnyResource): Parameter[] {
  const related = Object.entries(resource.relationships);
  const types = [resource, ...related.map(([, relationship]) => relationship.resource)];
  const include: Parameter = {
    name: 'include',
    in: 'query',
    description: 'Related resources to send along.',
    schema: { type: 'string', enum: ['', ...related.map(([name]) => name)] },
  };
  const fields = types.map(({ type, attributes, relationships }): Parameter => ({
    name: `fields[${type}]`,
    in: 'query',
    description: `The fields to send, with commas: ${[...Object.keys(attributes), ...Object.keys(relationships)].join(', ')}.`,
    schema: { type: 'string' },
  }));
  return related.length > 0 ? [include, ...fields] : fields;
}

function queryable(resource: AnyResource): string[] {
  return Object.entries<Attribute<object>>(resource.attributes)
    .filter(([, { field }]) => field !== undefined)
    .map(([name]) => name);
}
