import { validateSync } from 'class-validator';
import { eventResource } from '../events/event.resource.js';
import type { AnyResource, Attribute } from '../json-api/resource.js';
import { declaredNames } from '../json-api/rules.js';
import { otpEnrollmentResource } from '../otp/otp.resource.js';
import { COUNTED_AT_MOST } from '../page.js';
import { sessionResource } from '../sessions/session.resource.js';
import { organizationResource } from '../users/organization.resource.js';
import { verificationResource } from '../sessions/verification.resource.js';
import { userResource } from '../users/user.resource.js';
import { MEANINGS } from './meanings.js';

/** A JSON Schema of draft 2020-12, the dialect of OpenAPI 3.1. */
export type Schema = Readonly<Record<string, unknown>>;

/** The class of a route's request attributes, with its rules (see `json-api/rules.ts`). */
export type Shape = new () => object;

const RESOURCES: readonly AnyResource[] = [
  sessionResource,
  verificationResource,
  userResource,
  organizationResource,
  otpEnrollmentResource,
  eventResource,
];

/** The schemas that answers refer to, by name; made from the resources, so that they say what is really sent. */
export function componentSchemas(): Record<string, Schema> {
  const schemas: Record<string, Schema> = { errors: ERRORS, numbered_meta: NUMBERED_META, links: LINKS };
  for (const resource of RESOURCES) {
    schemas[resource.type] = resourceObject(resource);
    schemas[`${resource.type}_document`] = documentOf(resource, ref(resource.type), {
      meta: { type: 'object', additionalProperties: false },
    });
    schemas[`${resource.type}_list`] = documentOf(
      resource,
      { type: 'array', items: ref(resource.type) },
      { links: ref('links'), meta: { anyOf: [ref('numbered_meta'), { type: 'object', maxProperties: 0 }] } },
    );
  }
  schemas.minted_session_document = documentOf(sessionResource, ref(sessionResource.type), {
    meta: {
      type: 'object',
      properties: {
        refresh_token: {
          type: 'string',
          description: 'Renews the session, if it was opened with `refreshable`.',
        },
      },
      additionalProperties: false,
    },
  });
  return schemas;
}

/** A reference to one of `componentSchemas`. */
export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

/**
 * A request document with the attributes that a shape declares. What has to be there and what may be null is asked
 * of its rules; what kind a value is, of the resource.
 * @param named whether the document names an existing resource by its id
 */
export function requestDocument(shape: Shape, resource: AnyResource, named: boolean): Schema {
  const required = requiredAttributes(shape);
  const attributes = {
    type: 'object',
    properties: Object.fromEntries(
      declaredNames(shape).map((name) => [name, sentAttribute(name, shape, resource)]),
    ),
    ...(required.length > 0 ? { required } : {}),
  };
  const data = {
    type: 'object',
    properties: { type: { const: resource.type }, ...(named ? { id: ID } : {}), attributes },
    required: ['type', ...(named ? ['id'] : []), ...(required.length > 0 ? ['attributes'] : [])],
  };
  return { type: 'object', properties: { data }, required: ['data'] };
}

/** The attributes of a shape that have to be sent. */
export function requiredAttributes(shape: Shape): string[] {
  return declaredNames(shape).filter((name) => refuses(shape, name, undefined));
}

function refuses(shape: Shape, name: string, value: unknown): boolean {
  const problems = validateSync(Object.assign(new shape(), { [name]: value }));
  return problems.some(({ property }) => property === name);
}

function sentAttribute(name: string, shape: Shape, resource: AnyResource): Schema {
  const attribute: Attribute<object> | undefined = resource.attributes[name];
  const meaning = MEANINGS[`${resource.type}.${name}`];
  const nullable = !refuses(shape, name, null);
  const secret = attribute === undefined && /^(otp|code|password|current_password|refresh_token)$/.test(name);
  return {
    ...valueOf(attribute?.kind ?? 'text', nullable),
    ...(secret ? { writeOnly: true } : {}),
    ...(meaning ? { description: meaning } : {}),
  };
}

function resourceObject(resource: AnyResource): Schema {
  const names = Object.keys(resource.relationships);
  return {
    type: 'object',
    properties: {
      id: ID,
      type: { const: resource.type },
      attributes: shownAttributes(resource),
      ...(names.length > 0 ? { relationships: shownRelationships(resource) } : {}),
      meta: { type: 'object', description: 'With cursor pages only: `page.cursor`.' },
    },
    required: ['id', 'type', 'attributes'],
    additionalProperties: false,
  };
}

/** None is required: `fields[type]` leaves out what it does not name. */
function shownAttributes(resource: AnyResource): Schema {
  const properties = Object.entries<Attribute<object>>(resource.attributes).map(([name, attribute]) => {
    const { kind, nullable = false, byName = false } = attribute;
    const onlyByName = byName ? [`Sent only when \`fields[${resource.type}]\` names it.`] : [];
    const description = [MEANINGS[`${resource.type}.${name}`], ...onlyByName].filter(Boolean).join(' ');
    return [name, { ...valueOf(kind, nullable), ...(description ? { description } : {}) }] as const;
  });
  return { type: 'object', properties: Object.fromEntries(properties), additionalProperties: false };
}

function shownRelationships(resource: AnyResource): Schema {
  const properties = Object.entries(resource.relationships).map(([name, relationship]) => {
    const identifier = {
      type: 'object',
      properties: { type: { const: relationship.resource.type }, id: ID },
      required: ['type', 'id'],
    };
    const included = { type: 'object', properties: { included: { const: false } } };
    const description = `\`data\` when \`include=${name}\`, else \`meta.included\` is false.`;
    return [
      name,
      {
        type: 'object',
        description,
        properties: { data: { anyOf: [identifier, { type: 'null' }] }, meta: included },
      },
    ] as const;
  });
  return { type: 'object', properties: Object.fromEntries(properties), additionalProperties: false };
}

function documentOf(resource: AnyResource, data: Schema, more: Record<string, Schema>): Schema {
  const related = Object.values(resource.relationships).map((relationship) =>
    ref(relationship.resource.type),
  );
  const included = related.length > 0 ? { included: { type: 'array', items: { anyOf: related } } } : {};
  const properties = { data, ...included, ...more };
  return { type: 'object', properties, required: ['data', 'meta'], additionalProperties: false };
}

function valueOf(kind: Attribute<object>['kind'], nullable: boolean): Schema {
  const { type, ...rest } = VALUES[kind];
  return { type: nullable ? [type, 'null'] : type, ...rest };
}

const VALUES = {
  text: { type: 'string' },
  boolean: { type: 'boolean' },
  integer: { type: 'integer' },
  instant: { type: 'string', format: 'date-time' },
  list: { type: 'array', items: { type: 'string' } },
  number: { type: 'number' },
  object: { type: 'object' },
} as const;

const ID = { type: 'string', pattern: '^[0-9]+$' };

const LINKS = {
  type: 'object',
  description:
    '`prev` and `next` are absent where there is no such page; with cursors they are null there. A list that was not counted to its end has no `last`.',
  properties: Object.fromEntries(
    ['first', 'last', 'prev', 'next'].map((name) => [name, { type: ['string', 'null'], format: 'uri' }]),
  ),
  required: ['first'],
  additionalProperties: false,
};

const COUNTS = ['current_page', 'total_pages', 'total_count', 'page_size', 'max_page_size'];

const NUMBERED_META = {
  type: 'object',
  properties: {
    ...Object.fromEntries(COUNTS.map((name) => [name, { type: 'integer' }])),
    total_is_lower_bound: {
      const: true,
      description: `There are more than ${COUNTED_AT_MOST}, which is as far as they were counted.`,
    },
  },
  required: COUNTS,
  additionalProperties: false,
};

const ERROR = {
  type: 'object',
  properties: {
    status: { type: 'string' },
    code: { type: 'string' },
    title: { type: 'string' },
    detail: { type: 'string' },
    source: {
      type: 'object',
      description: 'The place of the mistake; a pointer has no leading slash.',
      properties: {
        pointer: { type: 'string' },
        parameter: { type: 'string' },
        header: { type: 'string' },
      },
      additionalProperties: false,
    },
    links: { type: 'object', properties: { type: { type: 'string', format: 'uri' } } },
    meta: { type: 'object' },
  },
  required: ['status', 'code', 'title', 'detail', 'source'],
  additionalProperties: false,
};

const ERRORS = {
  type: 'object',
  properties: { errors: { type: 'array', items: ERROR, minItems: 1 } },
  required: ['errors'],
  additionalProperties: false,
};
