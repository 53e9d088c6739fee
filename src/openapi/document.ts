import { DocumentBuilder, type OpenAPIObject } from '@nestjs/swagger';
import { JSON_API } from '../json-api/media-type.js';
import { FACES, type Face } from '../config.js';
import { CLERK_NEIGHBOURS } from './clerk.neighbours.js';
import { CLERK_SESSION_OPERATIONS } from './clerk.operations.js';
import { CLERK_SCHEMAS } from './clerk.schemas.js';
import { EVENT_OPERATIONS } from './events.operations.js';
import { LENDIX_OPERATIONS, LENDIX_SCHEMAS } from './lendix.operations.js';
import type { Answer, DescribedFace, Operation, Operations } from './operation.js';
import { ORGANIZATION_OPERATIONS } from './organizations.operations.js';
import { OTP_OPERATIONS } from './otp.operations.js';
import { parametersOf } from './parameters.js';
import { PORTOS_OPERATIONS, PORTOS_SCHEMAS } from './portos.operations.js';
import { QA_OPERATIONS } from './qa.operations.js';
import { refusalsOf, type RefusalsOfStatus } from './refusals.js';
import { componentSchemas, ref, requestDocument, type Schema } from './schemas.js';
import { SERVICE_OPERATIONS } from './service.operations.js';
import { SESSION_OPERATIONS } from './sessions.operations.js';
import { USER_OPERATIONS } from './users.operations.js';
import { VERIFICATION_OPERATIONS } from './verifications.operations.js';
import { ZITADEL_OPERATIONS } from './zitadel.operations.js';
import { ZITADEL_SCHEMAS } from './zitadel.schemas.js';

/** The operations of the native API and of the service itself. */
export const OPERATIONS: Operations = {
  ...SESSION_OPERATIONS,
  ...VERIFICATION_OPERATIONS,
  ...USER_OPERATIONS,
  ...ORGANIZATION_OPERATIONS,
  ...OTP_OPERATIONS,
  ...EVENT_OPERATIONS,
  ...SERVICE_OPERATIONS,
};

/** The operations of each of the other APIs, and the schemas they refer to. */
const FACE_OPERATIONS: Readonly<Record<Face, { operations: Operations; schemas: Record<string, Schema> }>> = {
  lendix: { operations: LENDIX_OPERATIONS, schemas: LENDIX_SCHEMAS },
  clerk: { operations: { ...CLERK_SESSION_OPERATIONS, ...CLERK_NEIGHBOURS }, schemas: CLERK_SCHEMAS },
  portos: { operations: PORTOS_OPERATIONS, schemas: PORTOS_SCHEMAS },
  zitadel: { operations: ZITADEL_OPERATIONS, schemas: ZITADEL_SCHEMAS },
};

/**
 * Everything that is described of the native API and the given others, by `METHOD /path/{id}`.
 * @param qaMode whether `/qa` is served too
 */
export function operationsWith(faces: readonly Face[], qaMode = false): Operations {
  const served = FACES.filter((face) => faces.includes(face)).map((face) => FACE_OPERATIONS[face].operations);
  return Object.assign({}, OPERATIONS, ...served, qaMode ? QA_OPERATIONS : {}) as Operations;
}

/**
 * The service as an OpenAPI 3.1 document.
 * @param publicUrl the base of every path
 * @param faces the other APIs that are served
 * @param qaMode whether `/qa` is served too
 */
export function describeService(publicUrl: string, faces: readonly Face[], qaMode = false): OpenAPIObject {
  const operations = operationsWith(faces, qaMode);
  const head = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Latchkey')
    .setDescription(
      'Sessions, users, one-time passwords and machine tokens as JSON:API 1.1. Errors are errors documents; any address answers 405 to a method it does not know. The other APIs speak of the same sessions, each in its own form.',
    )
    .setVersion('2')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addServer(publicUrl)
    .addApiKey({ type: 'apiKey', name: 'X-Auth-Token', in: 'header' }, 'token')
    .addBearerAuth({ type: 'http', scheme: 'bearer' }, 'bearer')
    .addApiKey({ type: 'apiKey', name: 'sessionToken', in: 'header' }, 'lendix_token')
    .addApiKey({ type: 'apiKey', name: 'userId', in: 'header' }, 'lendix_user')
    .addApiKey({ type: 'apiKey', name: '__client', in: 'cookie' }, 'clerk_browser');
  for (const tag of new Set(Object.values(operations).map((operation) => operation.tag))) head.addTag(tag);
  const built = head.build();
  const paths: Record<string, Record<string, object>> = {};
  for (const [key, operation] of Object.entries(operations)) {
    const [method = '', path = ''] = key.split(' ');
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationObject(method, path, operation) };
  }
  const faceSchemas = faces.map((face) => FACE_OPERATIONS[face].schemas);
  const schemas = Object.assign(componentSchemas(), ...faceSchemas) as NonNullable<
    OpenAPIObject['components']
  >['schemas'];
  const components = { ...built.components, schemas };
  return { ...built, components, paths };
}

function operationObject(method: string, path: string, operation: Operation): object {
  const { tag, summary, description, who, native, face } = operation;
  const requestBody = requestBodyOf(operation);
  const parameters = parametersOf(path, operation);
  return {
    tags: [tag],
    summary,
    ...(description ? { description } : {}),
    operationId: operationId(method, path),
    security: native === undefined && face ? face.security : SECURITY[who],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(requestBody ? { requestBody } : {}),
    responses: Object.fromEntries([
      ...operation.answers.map((answer) => [String(answer.status), answerObject(answer)]),
      ...refusalsOf(method, path, operation).map((refusals) => [
        String(refusals.status),
        refusalObject(refusals, face),
      ]),
    ]) as object,
  };
}

const EITHER = [{ token: [] }, { bearer: [] }];
const BROWSER = { clerk_browser: [] };
const SECURITY = {
  anyone: [],
  optional: [{}, ...EITHER],
  signed_in: EITHER,
  interactive: EITHER,
  browser: [BROWSER],
  any_browser: [{}, BROWSER],
};

/** E.g. `put_sessions_id_validate_otp`. */
function operationId(method: string, path: string): string {
  const words = path
    .replace('/api/v2/', '/')
    .replace(/[^a-z0-9]+/gi, '_')
    .replace(/^_|_$/g, '');
  return `${method.toLowerCase()}_${words}`;
}

function answerObject(answer: Answer): object {
  const { description, schema, mediaType = JSON_API, examples, location } = answer;
  return {
    description,
    ...(location ? { headers: { Location: header(`The URL of ${location}.`, 'uri') } } : {}),
    ...(schema ? { content: content(mediaType, schema, examples ?? {}) } : {}),
  };
}

function requestBodyOf({ native, body, sent }: Operation): object | undefined {
  if (sent) {
    return { required: !sent.optional, content: content(sent.mediaType, sent.schema, sent.examples) };
  }
  if (!native || !body) return undefined;
  const schema = requestDocument(body.shape, native.resource, body.named ?? false);
  return { required: true, content: content(JSON_API, schema, body.examples) };
}

function refusalObject(
  { status, title, examples }: RefusalsOfStatus,
  face: DescribedFace | undefined,
): object {
  const headers = HEADERS_OF_STATUS[status];
  return {
    description: title,
    ...(headers ? { headers } : {}),
    content: face
      ? content(face.mediaType, face.errors, examples)
      : content(JSON_API, ref('errors'), examples),
  };
}

const RETRY_AFTER = {
  'Retry-After': { description: 'Seconds after which to try again.', schema: { type: 'integer' } },
};
const HEADERS_OF_STATUS: Readonly<Record<number, object>> = {
  401: { 'WWW-Authenticate': header('`Bearer`, as RFC 9110 asks for.') },
  429: RETRY_AFTER,
  503: RETRY_AFTER,
};

function header(description: string, format?: string): object {
  return { description, schema: { type: 'string', ...(format ? { format } : {}) } };
}

function content(mediaType: string, schema: Schema, examples: Readonly<Record<string, unknown>>): object {
  const named = Object.entries(examples).map(([name, value]) => [nameFor(name), { summary: name, value }]);
  const shown = named.length > 0 ? { examples: Object.fromEntries(named) as object } : {};
  return { [mediaType]: { schema, ...shown } };
}

/** Some tools take no blanks in the names of examples. */
function nameFor(name: string): string {
  return name.replace(/[^\w-]+/g, '_');
}
