import { describe, expect, it } from '@jest/globals';
import { IsString, MaxLength } from 'class-validator';
import fc from 'fast-check';
import { readAttributes, readRelated, readResource } from '../../src/json-api/document.js';
import { asked, thing, thingResource } from './fixtures.js';
import { problemsOf, reasonOf } from './reason-of.js';

const read = (body: unknown, options?: Parameters<typeof readResource>[2]) =>
  readResource(asked('/things', {}, body), thingResource, options);
const refused = (body: unknown, options?: Parameters<typeof readResource>[2]) =>
  problemsOf(() => read(body, options)).map(({ reason, member }) => [reason, member])[0];
const data = (members: object) => ({ data: { type: 'things', ...members } });

describe('a request document', () => {
  it.each([undefined, null, [], 'x', 1, true])('that is %j is refused without a pointer', (body) => {
    expect(refused(body)).toEqual(['invalid_document', undefined]);
  });

  it.each([{}, { data: null }, { data: [] }, { data: 'x' }, { errors: [] }])('has data: %j', (body) => {
    expect(refused(body)).toEqual(['invalid_document', 'data']);
  });

  it('has the type of the endpoint', () => {
    expect(refused({ data: {} })).toEqual(['invalid_document', 'data/type']);
    expect(refused({ data: { type: 1 } })).toEqual(['invalid_document', 'data/type']);
    expect(refused({ data: { type: 'people' } })).toEqual(['type_mismatch', 'data/type']);
    expect(refused({ data: { type: 'Things' } })).toEqual(['type_mismatch', 'data/type']);
  });

  it.each([null, [], 'x', 1])('has objects of attributes and relationships, not %j', (members) => {
    expect(refused(data({ attributes: members }))).toEqual(['invalid_document', 'data/attributes']);
    expect(refused(data({ relationships: members }))).toEqual(['invalid_document', 'data/relationships']);
  });

  it('may hold members that nobody knows', () => {
    const sent = read({
      meta: {},
      jsonapi: { version: '9' },
      '@context': 1,
      included: 5,
      data: {
        type: 'things',
        id: null,
        lid: '@lid:1',
        links: 1,
        attributes: { '@x': 1, name: 'n' },
        relationships: {},
      },
    });
    expect({ ...sent.attributes }).toEqual({ name: 'n' });
  });

  it('creates without an id of its own', () => {
    expect(refused(data({ id: '1b2c' }))).toEqual(['client_generated_id', 'data/id']);
    expect(refused(data({ id: '' }))).toEqual(['client_generated_id', 'data/id']);
    expect(refused(data({ id: 0 }))).toEqual(['invalid_document', 'data/id']);
    expect(refused(data({ id: null }))).toBeUndefined();
  });

  it('changes the resource of the URL', () => {
    expect(refused(data({}), { id: '5' })).toEqual(['invalid_document', 'data/id']);
    expect(refused(data({ id: 5 }), { id: '5' })).toEqual(['invalid_document', 'data/id']);
    expect(refused(data({ id: '6' }), { id: '5' })).toEqual(['id_mismatch', 'data/id']);
    expect(read(data({ id: '5' }), { id: '5' }).id).toBe('5');
  });

  it('may leave the id out where the route says so', () => {
    expect(refused(data({}), { id: '5', anyId: true })).toBeUndefined();
    expect(refused(data({ id: '5' }), { id: '5', anyId: true })).toBeUndefined();
    expect(refused(data({ id: '6' }), { id: '5', anyId: true })).toEqual(['id_mismatch', 'data/id']);
  });

  it('pollutes nothing and is refused as a value, whatever it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        expect(reasonOf(() => read(body))).toBeDefined();
        expect([undefined, 'invalid_document', 'client_generated_id']).toContain(
          reasonOf(() => read({ data: { type: 'things', ...(body as object) } })) ?? undefined,
        );
      }),
      { seed: 5 },
    );
    const hostile = JSON.parse(
      '{"__proto__":{"name":"x"},"constructor":{"a":1},"toString":1,"then":2}',
    ) as object;
    const sent = read(data({ attributes: hostile }));
    expect(Object.keys(sent.attributes)).toEqual(['toString', 'then']);
    expect(sent.attributes.name).toBeUndefined();
  });
});

describe('a to-one relationship', () => {
  const related = (owner: unknown) =>
    readRelated(read(data({ relationships: { owner } })), 'owner', 'people');

  it('names an id, or none', () => {
    expect(related({ data: { type: 'people', id: '7' } })).toBe('7');
    expect(related({ data: null })).toBeUndefined();
    expect(related({ meta: { included: false } })).toBeUndefined();
    expect(readRelated(read(data({})), 'owner', 'people')).toBeUndefined();
  });

  it.each([
    null,
    'x',
    [],
    { data: [] },
    { data: 7 },
    { data: { type: 'people' } },
    { data: { type: 'people', id: 7 } },
  ])('is refused when it is %j', (owner) => {
    expect(reasonOf(() => related(owner))).toBe('invalid_document');
  });

  it('is of its type', () => {
    expect(reasonOf(() => related({ data: { type: 'things', id: '7' } }))).toBe('type_mismatch');
  });
});

class Shape {
  @MaxLength(3, { message: 'too_long' })
  @IsString({ message: 'invalid' })
  name: string;

  @IsString({ message: 'blank' })
  password: string;
}

describe('attributes', () => {
  const attributes = (sent: object, stored?: object) =>
    readAttributes(
      Shape,
      { attributes: Object.assign(Object.create(null), sent), relationships: {} },
      thingResource,
      stored,
    );
  const problems = (sent: object, stored?: object) =>
    problemsOf(() => attributes({ name: 'n', password: 'p', ...sent }, stored)).map(
      ({ reason, attribute }) => `${attribute}: ${reason}`,
    );

  it('are those that the shape declares', () => {
    expect({ ...attributes({ name: 'abc', password: 'p', nobody: 1, toString: 2 }) }).toEqual({
      name: 'abc',
      password: 'p',
    });
  });

  it('are refused together, each for its first reason, in the order of the shape', () => {
    expect(problems({ password: 5, name: 5, done: true })).toEqual([
      'name: invalid',
      'password: blank',
      'done: not_settable',
    ]);
    expect(problems({ name: 'abcd' })).toEqual(['name: too_long']);
  });

  it('hold no text that cannot be stored, but for those that prove something', () => {
    expect(problems({ name: 'a\0' })).toEqual(['name: invalid']);
    expect(problems({ name: '\ud800' })).toEqual(['name: invalid']);
    expect(problems({ password: 'a\0' })).toEqual([]);
  });

  it('of the server are accepted on creation when they are null or what it starts with', () => {
    const fromEmber = { owner_id: null, done: false, seen_at: null, tags: null, token: null, hidden: null };
    expect(problems(fromEmber)).toEqual([]);
    expect(problems({ seen_at: '2030-01-01T00:00:00Z' })).toEqual(['seen_at: not_settable']);
    expect(problems({ done: true, owner_id: 7, tags: [] })).toEqual([
      'owner_id: not_settable',
      'done: not_settable',
      'tags: not_settable',
    ]);
    expect(problems({ done: 0 })).toEqual(['done: not_settable']);
  });

  it('of the server are accepted on change when they are what is stored', () => {
    const stored = thing('1', { done: true });
    const same = {
      owner_id: 7,
      done: true,
      seen_at: '2024-04-18T06:02:03.470+02:00',
      tags: ['a'],
      token: 'the stored one',
    };
    expect(problems(same, stored)).toEqual([]);
    expect(problems({ owner_id: 8, done: false, tags: [], token: 'x' }, stored)).toEqual([
      'owner_id: not_settable',
      'done: not_settable',
      'tags: not_settable',
      'token: not_settable',
    ]);
  });

  it('that move by themselves may be behind, not ahead', () => {
    expect(problems({ seen_at: '2020-01-01T00:00:00Z' }, thing('1'))).toEqual([]);
    expect(problems({ seen_at: '2030-01-01T00:00:00Z' }, thing('1'))).toEqual(['seen_at: not_settable']);
  });
});
