import { JSON_API } from '../json-api/media-type.js';
import { FIXTURES } from '../qa/fixtures.service.js';
import type { Operations } from './operation.js';
import { nativeAnswer } from './refusals.js';
import { ref, type Schema } from './schemas.js';

const JSON_TYPE = 'application/json';
const TEXT = { type: 'string' };
const INSTANT = { type: 'string', format: 'date-time' };
const ID = { type: 'string', pattern: '^[0-9]+$' };
const FIXTURE = { enum: Object.keys(FIXTURES) };

/** It is open to anyone who reaches it, and refuses in the words of the native API. */
const QA = {
  tag: 'QA',
  who: 'anyone',
  face: { security: [], mediaType: JSON_API, errors: ref('errors'), answer: nativeAnswer },
} as const;

const CLOCK = objectOf({ now: INSTANT, frozen: { type: 'boolean' } });
const FROZEN = { now: '2030-01-31T12:00:00.000Z', frozen: true };

const CODE = {
  id: 2,
  kind: 'code',
  channel: 'email',
  to: 'qa-1640f386-1a21@example.com',
  subject: 'Your code for Latchkey',
  text: '277453 is your code for Latchkey. It is good for 10 minutes. Tell it to nobody.',
  code: '277453',
  sent_at: '2030-01-31T12:00:00.000Z',
};

const MESSAGE = objectOf({
  id: { type: 'integer' },
  kind: { enum: ['code', 'notice'] },
  channel: { enum: ['email', 'sms'] },
  to: TEXT,
  subject: { type: ['string', 'null'] },
  text: TEXT,
  code: { type: ['string', 'null'], description: 'The six digits of the text, to be used as they are.' },
  sent_at: INSTANT,
});

const MADE = objectOf({
  name: FIXTURE,
  user: objectOf({
    id: ID,
    email: TEXT,
    password: TEXT,
    rights: { type: 'array', items: TEXT },
    phone_number: { type: ['string', 'null'] },
  }),
  session: orNull(objectOf({ id: ID, token: TEXT })),
  second_factor: orNull(
    objectOf({ secret: TEXT, otpauth_uri: TEXT, recovery_codes: { type: 'array', items: TEXT } }),
  ),
  organization: orNull(objectOf({ id: ID, slug: TEXT })),
});

const ADA = {
  name: 'signed_in_user',
  user: {
    id: '7',
    email: 'qa-1640f386-1a21@example.com',
    password: 'HUfHY6XZNhgu3zRSjx5T',
    rights: [],
    phone_number: null,
  },
  session: { id: '12', token: '1640f386-1a21-6b84-71b9-14b509e24f13' },
  second_factor: null,
  organization: null,
};

/** The routes that exist only while QA_MODE is on (docs/testing.md). */
export const QA_OPERATIONS: Operations = {
  'GET /qa/clock': {
    ...QA,
    summary: 'What the clock says',
    answers: [answer(200, 'The time, and whether it stands still.', CLOCK, { frozen: FROZEN })],
  },
  'PATCH /qa/clock': {
    ...QA,
    summary: 'Freeze, move or release the clock',
    description:
      'Every expiry is judged by it, within 2000 and 2100. `release` comes first, then `freeze`, then `move_seconds`.',
    sent: {
      mediaType: JSON_TYPE,
      schema: {
        type: 'object',
        properties: {
          release: { type: 'boolean', description: 'Lets real time run again.' },
          freeze: { description: 'Stops it at a moment, or now.', oneOf: [{ const: true }, INSTANT] },
          move_seconds: { type: 'number', description: 'Moves it on, or back, frozen or not.' },
        },
        additionalProperties: false,
      },
      examples: {
        'fifteen days on': { move_seconds: 1_296_000 },
        'at a moment': { freeze: '2030-01-31T12:00:00Z' },
        'real time': { release: true },
      },
    },
    answers: [answer(200, 'The time from now on.', CLOCK, { frozen: FROZEN })],
    refusals: [
      { reason: 'invalid_document' },
      { reason: 'invalid', member: 'move_seconds' },
      { reason: 'unsupported_media_type', header: 'Content-Type' },
    ],
  },
  'GET /qa/outbox': {
    ...QA,
    summary: 'Codes and notices that would have been sent',
    description: 'While QA_MODE is on nothing leaves by mail or SMS; the last 1,000 messages are kept here.',
    parameters: [
      { name: 'to', description: 'To this address or number only.', schema: TEXT },
      { name: 'kind', description: 'Of this kind only.', schema: { enum: ['code', 'notice'] } },
      { name: 'channel', description: 'By this channel only.', schema: { enum: ['email', 'sms'] } },
    ],
    answers: [
      answer(200, 'The newest first.', objectOf({ messages: { type: 'array', items: MESSAGE } }), {
        'a code': { messages: [CODE] },
      }),
    ],
    refusals: [
      { reason: 'unsupported_parameter', parameter: 'colour' },
      { reason: 'invalid_parameter', parameter: 'kind' },
    ],
  },
  'DELETE /qa/outbox': {
    ...QA,
    summary: 'Empty the outbox',
    answers: [{ status: 204, description: 'It is empty.' }],
  },
  'GET /qa/fixtures': {
    ...QA,
    summary: 'The states that people can be made in',
    answers: [
      answer(
        200,
        'Their names and what they are.',
        objectOf({ fixtures: { type: 'array', items: objectOf({ name: FIXTURE, description: TEXT }) } }),
        { one: { fixtures: [{ name: 'user', description: FIXTURES.user }] } },
      ),
    ],
  },
  'POST /qa/fixtures': {
    ...QA,
    summary: 'Make somebody in a named state',
    description: 'Somebody new each time, under the rules that hold for all.',
    sent: {
      mediaType: JSON_TYPE,
      schema: objectOf({ name: FIXTURE }),
      examples: { 'somebody signed in': { name: 'signed_in_user' } },
    },
    answers: [answer(201, 'Who it is, and every secret of theirs.', MADE, { 'signed in': ADA })],
    refusals: [
      { reason: 'invalid_document' },
      { reason: 'blank', member: 'name' },
      { reason: 'invalid', member: 'name' },
      { reason: 'unsupported_media_type', header: 'Content-Type' },
      { reason: 'busy' },
    ],
  },
};

function answer(status: number, description: string, schema: Schema, examples: Record<string, object>) {
  return { status, description, mediaType: JSON_TYPE, schema, examples };
}

function orNull(schema: Schema): Schema {
  return { oneOf: [schema, { type: 'null' }] };
}

function objectOf(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}
