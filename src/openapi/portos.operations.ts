import { problemDetails } from '../faces/portos/errors.js';
import type { Problem, Refusal } from '../refusal.js';
import type { Operation, Operations } from './operation.js';
import { ref, type Schema } from './schemas.js';

const JSON_TYPE = 'application/json';
const TEXT = { type: 'string' };
const TEXT_OR_NULL = { type: ['string', 'null'] };
const COUNT = { type: 'integer', minimum: 0 };
const ID = { type: 'string', pattern: '^[0-9A-Za-z]{32}$' };
const INSTANT = { type: 'string', format: 'date-time' };

const face = {
  security: [{ bearer: [] }],
  mediaType: 'application/problem+json',
  errors: ref('portos_problem'),
  answer: (refusal: Refusal) => {
    const body = problemDetails(refusal);
    return { status: body.status, body };
  },
};

/** What PORTOS's answers are made of. */
export const PORTOS_SCHEMAS: Record<string, Schema> = {
  portos_session: objectOf({
    sessionId: ID,
    identity: objectOf(
      {
        userName: {
          ...TEXT,
          description: "The user's e-mail address; left out for others without the right `user.read`.",
        },
        deviceName: TEXT_OR_NULL,
        envName: TEXT_OR_NULL,
        authenticationType: { const: 'Bearer' },
      },
      ['deviceName', 'envName', 'authenticationType'],
    ),
    startedAt: INSTANT,
    expiresAt: { ...INSTANT, type: ['string', 'null'], description: 'Null for never.' },
    lastAccessAt: INSTANT,
    _v: { type: 'integer', description: 'Rises with each change.' },
  }),
  portos_user: objectOf({
    id: ID,
    isVirtual: { const: false },
    name: TEXT,
    userName: TEXT,
    featureName: { type: 'null' },
    rights: { type: 'array', items: TEXT },
    device: objectOf({
      name: TEXT_OR_NULL,
      envName: TEXT_OR_NULL,
      description: { type: 'null' },
      preferences: { type: 'object', maxProperties: 0 },
      settings: { type: 'object', maxProperties: 0 },
    }),
  }),
  portos_problem: objectOf(
    {
      title: TEXT,
      status: { type: 'integer' },
      detail: TEXT,
      traceId: { ...TEXT, description: "The request's id, which the log has too." },
      errorCode: { enum: [1, 2, 3, 6] },
      errors: {
        type: 'array',
        description: 'Of a 400.',
        items: objectOf({ memberName: TEXT, message: TEXT, code: { enum: [1, 2] } }, [
          'memberName',
          'message',
        ]),
      },
    },
    ['title', 'status', 'detail'],
  ),
};

/** The example of portos.txt. */
const SESSION = {
  sessionId: 'Hq6563mjODIOwNa87Cgi295uNPlKeOqA',
  identity: {
    userName: '999',
    deviceName: 'BackOffice',
    envName: 'BackOffice',
    authenticationType: 'Bearer',
  },
  startedAt: '2023-08-04T21:21:07.66Z',
  expiresAt: '2023-08-05T09:21:07.66Z',
  lastAccessAt: '2023-08-04T21:21:11.578Z',
  _v: 7,
};
const USER = {
  id: '00000000000000000000000000000001',
  isVirtual: false,
  name: 'Ada Lovelace',
  userName: 'ada@example.com',
  featureName: null,
  rights: [],
  device: { name: 'P01', envName: 'CashRegister', description: null, preferences: {}, settings: {} },
};
const TOKENS = {
  tokenId: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ…In0.5ah4…',
  refreshToken: 'b357b9b1-f1d0-cebd-f5a8-5da1c6e09712',
};

const answer = (description: string, schema: Schema, example: object) => ({
  status: 200,
  description,
  mediaType: JSON_TYPE,
  schema,
  examples: { example },
});

const signedIn = [{ reason: 'unauthenticated' }] satisfies Problem[];
const ofSession = [...signedIn, { reason: 'not_found' }] satisfies Problem[];

const LIST: Operation = {
  tag: 'PORTOS',
  summary: 'Get sessions',
  description:
    'One’s own live sessions; everybody’s with the right `session.read`. NData: each member of Session filters, `member=operator:argument;operator:argument`, the operators being `eq neq gt gte lt lte in nin like`, and a value alone is meant to be equal.',
  who: 'signed_in',
  face,
  parameters: [
    { name: 'sessionId', description: 'An NData filter, as of any member.', schema: TEXT },
    {
      name: '$skip',
      description: 'How many to pass over.',
      schema: { type: 'integer', minimum: 0, maximum: 2 ** 31 - 1, default: 0 },
    },
    {
      name: '$take',
      description: 'The most to answer.',
      schema: { type: 'integer', minimum: 0, maximum: 1000, default: 1000 },
    },
    {
      name: '$sort',
      description: 'Members with commas; `:desc` behind one, or `-` before it, reverses it.',
      schema: { ...TEXT, default: 'sessionId' },
    },
    {
      name: '$count',
      description: 'Whether to leave the items out.',
      schema: { type: 'boolean', default: false },
    },
  ],
  answers: [
    answer(
      'A page of sessions.',
      objectOf({ items: { type: 'array', items: ref('portos_session') }, count: COUNT, totalCount: COUNT }, [
        'count',
        'totalCount',
      ]),
      { items: [SESSION], count: 1, totalCount: 1 },
    ),
  ],
  refusals: [
    ...signedIn,
    { reason: 'forbidden' },
    { reason: 'unsupported_parameter', parameter: 'colour' },
    { reason: 'too_broad' },
    { reason: 'busy' },
  ],
};

const READ: Operation = {
  tag: 'PORTOS',
  summary: 'Get session',
  who: 'signed_in',
  face,
  answers: [answer('The session.', ref('portos_session'), SESSION)],
  refusals: ofSession,
};

const DELETE: Operation = {
  tag: 'PORTOS',
  summary: 'Delete session',
  description: 'One’s own, or any with the right `session.delete`. Its token opens nothing from then on.',
  who: 'signed_in',
  face,
  answers: [answer('The session as it was.', ref('portos_session'), SESSION)],
  refusals: [...ofSession, { reason: 'forbidden' }, { reason: 'read_only_session' }],
};

/** PORTOS's routes (portos.txt; CONTRACTS.md §5.2). */
export const PORTOS_OPERATIONS: Operations = {
  'POST /portos/api/auth': {
    tag: 'PORTOS',
    summary: 'Sign in',
    description: 'Members are read whatever their case. Users with a second factor send `otp` too.',
    who: 'anyone',
    face: { ...face, security: [] },
    sent: {
      mediaType: JSON_TYPE,
      schema: objectOf(
        {
          userName: { ...TEXT, description: "The user's e-mail address." },
          password: { ...TEXT, writeOnly: true },
          deviceName: { ...TEXT, maxLength: 255 },
          envName: { ...TEXT, description: 'Not in the document of PORTOS.' },
          otp: { ...TEXT, writeOnly: true, description: 'Not in the document of PORTOS.' },
        },
        ['userName', 'deviceName'],
      ),
      examples: {
        example: { userName: 'ada@example.com', password: 'a long passphrase', deviceName: 'P01' },
      },
    },
    answers: [
      answer(
        'The tokens, shown here and never again, and the user.',
        objectOf({ tokenId: TEXT, refreshToken: TEXT, user: ref('portos_user') }),
        { ...TOKENS, user: USER },
      ),
    ],
    refusals: [
      { reason: 'blank', attribute: 'deviceName' },
      { reason: 'unauthenticated' },
      { reason: 'otp_required' },
      { reason: 'unsupported_media_type' },
      { reason: 'too_many_sign_ins' },
      { reason: 'busy' },
    ],
  },
  'GET /portos/api/auth': {
    tag: 'PORTOS',
    summary: 'Get the profile of whoever is signed in',
    who: 'signed_in',
    face,
    answers: [answer('The user.', ref('portos_user'), USER)],
    refusals: signedIn,
  },
  'DELETE /portos/api/auth': {
    tag: 'PORTOS',
    summary: 'Sign out',
    who: 'signed_in',
    face,
    answers: [{ status: 204, description: 'The session has ended.' }],
    refusals: [...signedIn, { reason: 'read_only_session' }],
  },
  'POST /portos/api/auth/refresh': {
    tag: 'PORTOS',
    summary: 'Refresh the tokens',
    description:
      'Prolongs the session. The tokens that are sent open nothing from then on, and are taken once.',
    who: 'anyone',
    face: { ...face, security: [] },
    sent: {
      mediaType: JSON_TYPE,
      schema: objectOf({ tokenId: TEXT, refreshToken: TEXT }),
      examples: { example: TOKENS },
    },
    answers: [
      answer(
        'New tokens, shown here and never again.',
        objectOf({ tokenId: TEXT, refreshToken: TEXT }),
        TOKENS,
      ),
    ],
    refusals: [
      { reason: 'blank', attribute: 'refreshToken' },
      { reason: 'unauthenticated' },
      { reason: 'unsupported_media_type' },
    ],
  },
  'GET /portos/sessions': LIST,
  'GET /portos/api/sessions': LIST,
  'GET /portos/sessions/{id}': READ,
  'GET /portos/api/sessions/{id}': READ,
  'DELETE /portos/sessions/{id}': DELETE,
  'DELETE /portos/api/sessions/{id}': DELETE,
};

function objectOf(
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = Object.keys(properties),
): Schema {
  return { type: 'object', properties, required, additionalProperties: false };
}
