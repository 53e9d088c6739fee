import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { JsonApiStage, type StagedRoute } from '../support/json-api-stage.js';

/** The same requests in every run: what fails here fails again. */
const RUNS = { seed: 20_261_121, numRuns: 200 };

// Requests that are taken apart and put together wrongly. None of them is a good one, so none may change anything:
// sign-ins and closings, which a lucky request could do rightly, are asked by nobody.
const ROUTES = [
  'GET /api/v2/sessions',
  'GET /api/v2/sessions/:id',
  'PATCH /api/v2/sessions/:id',
  'POST /api/v2/sessions/machine',
  'GET /api/v2/users',
  'POST /api/v2/users',
  'PATCH /api/v2/users/:id',
  'PUT /api/v2/sessions/:id/validate_otp',
  'POST /api/v2/users/:id/otp_enrollments',
];

const junk = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    '0',
    '-1',
    'null',
    'true',
    '1e400',
    '[]',
    '__proto__',
    'a,b',
    '\0',
    "'--",
    '2026-01-01',
    'user',
  ),
);
const parameterName = fc.oneof(
  junk,
  fc.constantFrom('page[size]', 'page[number]', 'page[after]', 'page[before]', 'sort', 'include', 'filter'),
  fc.constantFrom(
    'filter[name]',
    'filter[$op]',
    'filter[0][name]',
    'filter[last_activity_at][gt]',
    'fields[users]',
  ),
);
const query = fc
  .array(fc.tuple(parameterName, junk), { minLength: 1, maxLength: 4 })
  .map((pairs) => pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&'));

// Every attribute that the routes take is wrong in it, so that no document of these is a good one.
const wrong = fc.oneof(
  fc.integer(),
  fc.boolean(),
  fc.array(fc.jsonValue()),
  fc.dictionary(fc.string(), fc.jsonValue()),
);
const taken = ['name', 'note', 'first_name', 'email', 'password', 'otp'];
const attributes = fc
  .tuple(wrong, fc.dictionary(fc.string(), fc.jsonValue()))
  .map(([value, more]) => ({ ...more, ...Object.fromEntries(taken.map((name) => [name, value])) }));
const body = fc.oneof(
  fc.json(),
  fc.string({ unit: 'binary' }),
  fc
    .record({
      type: fc.constantFrom<unknown>('sessions', 'users', 'otp_enrollments', 'things', 5, null),
      id: fc.constantFrom<unknown>(undefined, null, '1', 1, ''),
      attributes,
      relationships: fc.oneof(fc.constant({}), fc.jsonValue()),
    })
    .map((data) => JSON.stringify({ data })),
);
const headers = fc.record(
  {
    'Content-Type': fc.constantFrom('application/vnd.api+json', 'application/json', 'text/plain', 'x'),
    Accept: fc.constantFrom(
      '*/*',
      'application/vnd.api+json',
      'application/vnd.api+json;a=b',
      'text/html',
      ',',
    ),
  },
  { requiredKeys: ['Content-Type'] },
);

function encode(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString()).slice(0, 500).replace(/%.?$/, '');
}

describe('whatever is sent', () => {
  let stage: JsonApiStage;
  beforeAll(async () => void (stage = await JsonApiStage.set()));
  afterAll(() => stage.stop());

  it.each(ROUTES)(
    '%s answers with a JSON:API document, never with a 5xx, and changes nothing',
    async (name) => {
      const before = await stage.rows();
      const route = stage.routes.find((candidate): candidate is StagedRoute => candidate.name === name)!;
      const { method } = route;
      const isRead = method === 'GET';
      const request = fc.record({ query: fc.option(query), body, headers });
      await fc.assert(
        fc.asyncProperty(request, async ({ query, body, headers }) => {
          const path = query === null ? route.path : `${route.path}?${query}`;
          const { status } = await stage.send({ method, path, headers, ...(isRead ? {} : { body }) });
          expect(status).toBeLessThan(500);
          if (!isRead) expect(status).toBeGreaterThanOrEqual(400);
        }),
        RUNS,
      );
      expect(await stage.rows()).toEqual(before);
    },
  );
});
