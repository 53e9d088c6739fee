import { describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { FACES } from '../../src/config.js';
import { EXAMPLES, type Example } from '../../src/openapi/contract-examples.js';
import { describeService } from '../../src/openapi/document.js';
import { operationsOf, SchemaCheck, type Described } from './described.js';

const document = JSON.parse(
  JSON.stringify(describeService('http://localhost:3000', FACES, true)),
) as Described;
const operations = operationsOf(document);
const check = new SchemaCheck(document);

describe('the OpenAPI document', () => {
  it('is OpenAPI 3.1', async () => {
    const result = await new Validator().validate({ ...document });
    expect(result).toMatchObject({ valid: true });
    expect(document).toMatchObject({ openapi: '3.1.0' });
  });

  it('shows an example of every answer that has a body, and of every request', () => {
    const bare = operations.flatMap(([name, { responses, requestBody }]) =>
      [...Object.entries(responses), ['request', requestBody] as const].flatMap(([status, described]) =>
        Object.values(described?.content ?? {})
          .filter(({ examples }) => Object.keys(examples ?? {}).length === 0)
          .map(() => `${name} ${status}`),
      ),
    );
    expect(bare).toEqual([]);
  });

  it('shows only examples that fit its own schemas', () => {
    const wrong = operations.flatMap(([name, { responses, requestBody }]) =>
      [...Object.entries(responses), ['request', requestBody] as const].flatMap(([status, described]) =>
        Object.values(described?.content ?? {}).flatMap(({ schema, examples }) =>
          Object.entries(examples ?? {}).flatMap(([example, { value }]) =>
            check.problems(schema, value).map((problem) => ({ name, status, example, problem })),
          ),
        ),
      ),
    );
    expect(wrong).toEqual([]);
  });

  it('names every operation differently', () => {
    const ids = operations.map(([, operation]) => (operation as { operationId?: string }).operationId);
    expect(new Set(ids).size).toBe(operations.length);
  });

  it.each([
    'GET /api/v2/sessions',
    'GET /api/v2/users',
    'GET /api/v2/organizations',
    'GET /api/v2/events',
    'GET /portos/sessions',
    'POST /zitadel/v2/sessions/search',
  ])('says of a list of everybody’s that it may be too broad, or one too many: %s', (key) => {
    const refusals = operations.find(([name]) => name === key)![1].responses;
    const named = (status: number) =>
      Object.values(refusals[status]?.content ?? {}).flatMap(({ examples }) => Object.keys(examples ?? {}));
    expect(named(400)).toContain('too_broad');
    expect(named(503)).toContain('busy');
  });

  it.each(Object.entries<Example>(EXAMPLES))(
    'shows the contract’s own example: %s',
    (_, { request, response }) => {
      const key = `${request.method} ${request.path.split('?')[0]!.replace(/\/\d+(?=\/|$)/, '/{id}')}`;
      const operation = operations.find(([name]) => name === key)?.[1];
      const shown = operation?.responses[response.status];
      expect(shown).toBeDefined();
      if (response.body !== undefined) expect(valuesOf(shown?.content)).toContainEqual(response.body);
      // A refusal is caused by what was sent; only a request that succeeds is worth copying.
      if (request.body !== undefined && response.status < 300) {
        expect(valuesOf(operation?.requestBody?.content)).toContainEqual(request.body);
      }
    },
  );
});

function valuesOf(
  content: Record<string, { examples?: Record<string, { value: unknown }> }> | undefined,
): unknown[] {
  return Object.values(content ?? {}).flatMap(({ examples }) =>
    Object.values(examples ?? {}).map(({ value }) => value),
  );
}
