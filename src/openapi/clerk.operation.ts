import { errorsOf } from '../faces/clerk/errors.js';
import type { Access } from '../http/access.js';
import type { Problem } from '../refusal.js';
import type { DescribedFace, Operation } from './operation.js';
import { ref, type Schema } from './schemas.js';

const JSON_TYPE = 'application/json';
const SECRET = { type: 'string', writeOnly: true };

const face: DescribedFace = {
  security: [{ clerk_browser: [] }, { bearer: [] }],
  mediaType: JSON_TYPE,
  errors: ref('clerk_errors'),
  answer: errorsOf,
};
const OF_BROWSER: readonly Problem[] = [{ reason: 'unauthenticated' }, { reason: 'credentials_conflict' }];
/** Of a request that changes something. */
export const OF_CHANGE: readonly Problem[] = [{ reason: 'origin_not_allowed' }];
const OF_FORM: readonly Problem[] = [
  ...OF_CHANGE,
  { reason: 'bad_request' },
  { reason: 'unsupported_media_type' },
];
/** Of a path that names something. */
export const OF_SESSION: readonly Problem[] = [{ reason: 'not_found' }];

/** What a route is described by beside what all of this API's have in common. */
interface Told {
  readonly who?: Access['who'];
  readonly readOnlyToo?: boolean;
  readonly description?: string;
  readonly form?: {
    readonly fields: Readonly<Record<string, Schema>>;
    readonly example: object;
    readonly required?: string[];
  };
  readonly parameters?: Operation['parameters'];
  readonly refusals?: readonly Problem[];
}

/** Of a step that takes a password. */
export const OF_PASSWORD: readonly Problem[] = [
  { reason: 'wrong_password', attribute: 'password' },
  { reason: 'too_many_sign_ins' },
  { reason: 'busy' },
];

/** Describes a route of this API. */
export function told(
  summary: string,
  schema: Schema,
  examples: Readonly<Record<string, unknown>>,
  { who = 'browser', readOnlyToo = false, description, form, parameters, refusals = [] }: Told = {},
): Operation {
  const ofCaller = who === 'anyone' ? [] : OF_BROWSER;
  return {
    tag: 'Clerk',
    summary,
    ...(description ? { description } : {}),
    who,
    readOnlyToo,
    face: who === 'anyone' ? { ...face, security: [] } : face,
    ...(parameters ? { parameters } : {}),
    ...(form ? { sent: sentForm(form) } : {}),
    answers: [{ status: 200, description: `${summary}.`, mediaType: JSON_TYPE, schema, examples }],
    refusals: [...ofCaller, ...refusals, ...(form ? OF_FORM : [])],
  };
}

/** A form of a strategy and what it is proved with. */
export function proofForm(strategies: string[], secrets: string[], example: object): Told['form'] {
  return {
    fields: {
      strategy: { enum: strategies },
      ...Object.fromEntries(secrets.map((name) => [name, SECRET])),
    },
    required: ['strategy'],
    example,
  };
}

function sentForm({
  fields,
  example,
  required = [],
}: NonNullable<Told['form']>): NonNullable<Operation['sent']> {
  const schema = { type: 'object', properties: fields, ...(required.length > 0 ? { required } : {}) };
  return {
    mediaType: 'application/x-www-form-urlencoded',
    schema,
    examples: { form: example },
    optional: required.length === 0,
  };
}
