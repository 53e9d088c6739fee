import { describe, expect, it } from '@jest/globals';
import type { Request, Response } from 'express';
import fc from 'fast-check';
import { readBody } from '../../src/json-api/body.js';
import { parseStrictJson } from '../../src/json-api/strict-json.js';
import { Refusal } from '../../src/refusal.js';
import { problemsOf, reasonOf } from './reason-of.js';

/** What the middleware makes of bytes: the value, or the refusal that it hands on. */
function read(bytes: Buffer | undefined, type: string | undefined = 'application/vnd.api+json'): unknown {
  const request = { body: bytes, headers: { 'content-type': type } } as unknown as Request;
  let handed: unknown = 'never';
  readBody(request, {} as Response, (error?: unknown) => (handed = error));
  return handed === undefined ? request.body : handed instanceof Refusal ? handed.reason : handed;
}

describe('a body', () => {
  it('becomes the value that it stands for', () => {
    expect(read(Buffer.from(' {"data":{"é":[1,null,true,"\\u00e9"]}} '))).toEqual({
      data: { é: [1, null, true, 'é'] },
    });
  });

  it('that is empty or missing becomes undefined, whatever its type', () => {
    expect(read(undefined)).toBeUndefined();
    expect(read(Buffer.alloc(0), 'text/plain')).toBeUndefined();
  });

  it('without a type is refused', () => {
    expect(read(Buffer.from('{}'), '')).toBe('unsupported_media_type');
  });

  it.each([
    ['a stray continuation byte', Buffer.from([0x22, 0x80, 0x22])],
    ['an overlong encoding', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ['an encoded surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['a character cut short', Buffer.from([0x22, 0xe2, 0x82, 0x22])],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le')],
    ['a byte order mark', Buffer.from('\ufeff{"a":1}')],
    ['something behind the document', Buffer.from('{} {}')],
    ['a comment', Buffer.from('{/* */}')],
    ['white space alone', Buffer.from('  ')],
  ])('with %s is refused', (_, bytes) => {
    expect(read(bytes)).toBe('bad_request');
  });
});

describe('strict JSON', () => {
  it('never quotes a broken text', () => {
    const [problem] = problemsOf(() => parseStrictJson('{"password":"hunter2hunter2'));
    expect(JSON.stringify(problem)).not.toContain('hunter2');
  });

  it('is read 32 levels deep and no deeper', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(reasonOf(() => parseStrictJson(nested(32)))).toBeUndefined();
    expect(reasonOf(() => parseStrictJson(nested(33)))).toBe('bad_request');
    expect(reasonOf(() => parseStrictJson(nested(32_000)))).toBe('bad_request');
    expect(reasonOf(() => parseStrictJson('{"a":'.repeat(33) + '1' + '}'.repeat(33)))).toBe('bad_request');
    expect(reasonOf(() => parseStrictJson(JSON.stringify('['.repeat(100))))).toBeUndefined();
  });

  it.each([
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '[{"b":{"a":[{}],"c":1,"a":{}}}]',
    '{"":1,"":1}',
    '{"__proto__":1,"__proto__":2}',
  ])('has no member twice in one object: %s', (text) => {
    expect(reasonOf(() => parseStrictJson(text))).toBe('bad_request');
  });

  it.each([
    '{"a":"a","b":["a","a"],"c":{"a":1}}',
    '[{"a":1},{"a":1}]',
    '{"a":[],"b":"\\"a\\":","d":{"a,":","}}',
  ])('may use a name again elsewhere: %s', (text) => {
    expect(parseStrictJson(text)).toEqual(JSON.parse(text));
  });

  it('pollutes no prototype', () => {
    parseStrictJson('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('agrees with JSON.parse on every document', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8, noUnicodeString: false }), (text) => {
        expect(parseStrictJson(text)).toEqual(JSON.parse(text));
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  it('throws nothing but refusals at whatever looks like JSON', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '\\"',
      '"a"',
      '1',
      'null',
      ' ',
      '\\u00',
      'é',
      '\ud800',
    );
    fc.assert(
      fc.property(fc.string({ unit: pieces, maxLength: 60 }), (text) => {
        expect([undefined, 'bad_request']).toContain(reasonOf(() => parseStrictJson(text)));
      }),
      { seed: 4, numRuns: 2_000 },
    );
  });
});
