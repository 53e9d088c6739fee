import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { asksForProfile, CURSOR_PROFILE, negotiate, splitList } from '../../src/json-api/media-type.js';
import { reasonOf } from './reason-of.js';

const JSON_API = 'application/vnd.api+json';
const sent = (type: string | undefined, hasBody: boolean, coding?: string) =>
  reasonOf(() => negotiate({ 'content-type': type, 'content-encoding': coding }, hasBody));
const accepts = (accept: string | undefined) => reasonOf(() => negotiate({ accept }, false));

describe('content types of requests', () => {
  it.each([
    JSON_API,
    'APPLICATION/VND.API+JSON',
    `${JSON_API}; profile="https://example.com/a;b,c https://example.com/d"`,
    `${JSON_API}; PROFILE=x`,
    `${JSON_API};ext=""`,
    'application/json',
    'application/json; charset=UTF-8',
  ])('accepts a body of %s', (type) => {
    expect(sent(type, true)).toBeUndefined();
  });

  it.each([
    `${JSON_API}; charset=utf-8`,
    `${JSON_API};ext="https://jsonapi.org/ext/atomic"`,
    `${JSON_API};ext=bulk`,
    `${JSON_API};profile=x;version=1`,
  ])('refuses %s, with a body and without', (type) => {
    expect(sent(type, true)).toBe('unsupported_media_type');
    expect(sent(type, false)).toBe('unsupported_media_type');
  });

  it.each([
    undefined,
    '',
    'nonsense',
    'text/plain',
    'text/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=utf-16',
    'application/json; charset=latin1',
  ])('refuses a body of %s, and says nothing of it without a body', (type) => {
    expect(sent(type, true)).toBe('unsupported_media_type');
    expect(sent(type, false)).toBeUndefined();
  });

  it('refuses a coded body, and knows identity', () => {
    expect(sent(JSON_API, true, 'gzip')).toBe('unsupported_media_type');
    expect(sent(JSON_API, true, 'br, gzip')).toBe('unsupported_media_type');
    expect(sent(JSON_API, true, 'Identity')).toBeUndefined();
    expect(sent(JSON_API, false, 'gzip')).toBeUndefined();
  });
});

describe('accept lists', () => {
  it.each([
    undefined,
    '',
    '*/*',
    'application/*;q=0.2',
    'text/html',
    'text/xml,application/xml,application/xhtml+xml,text/html;q=0.9,text/plain;q=0.8,image/png,*/*;q=0.5',
    JSON_API,
    `${JSON_API};q=0.3`,
    `${JSON_API.toUpperCase()}`,
    `${JSON_API};charset=utf-8, text/html, ${JSON_API};q=0.3`,
    `${JSON_API};ext="https://a.example/", ${JSON_API};profile="https://b.example/;x,y"`,
  ])('are answered: %s', (accept) => {
    expect(accepts(accept)).toBeUndefined();
  });

  it.each([
    `${JSON_API};charset=utf-8`,
    `${JSON_API}; ext="https://jsonapi.org/ext/atomic"`,
    `${JSON_API};charset=utf-8, ${JSON_API};version=1;q=0.5, */*`,
    `${JSON_API};x="a, ${JSON_API}"`,
  ])('are refused when every JSON:API instance is unusable: %s', (accept) => {
    expect(accepts(accept)).toBe('not_acceptable');
  });

  it('ask for the cursor profile among others', () => {
    expect(
      asksForProfile(`text/html, ${JSON_API};profile="https://x.example/ ${CURSOR_PROFILE}"`, CURSOR_PROFILE),
    ).toBe(true);
    expect(asksForProfile(`${JSON_API};charset=x;profile="${CURSOR_PROFILE}"`, CURSOR_PROFILE)).toBe(false);
    expect(asksForProfile(`${JSON_API};profile="https://x.example/"`, CURSOR_PROFILE)).toBe(false);
    expect(asksForProfile(undefined, CURSOR_PROFILE)).toBe(false);
  });

  it('are split at commas outside of quotes, whatever is quoted', () => {
    const quoted = fc.string().map((text) => `"${text.replace(/[\\"]/g, '\\$&')}"`);
    const member = fc
      .tuple(fc.stringMatching(/^[a-z]{1,8}\/[a-z]{1,8}$/), quoted)
      .map(([type, value]) => `${type};p=${value}`);
    fc.assert(
      fc.property(fc.array(member), (members) => {
        expect(splitList(members.join(' , '))).toEqual(members);
      }),
      { seed: 1 },
    );
  });

  it('never break it', () => {
    const hostile = fc.string({
      unit: fc.constantFrom(JSON_API, ';', ',', '"', '\\', '=', 'q', 'ext', 'profile', ' ', 'x'),
    });
    fc.assert(
      fc.property(hostile, (accept) => {
        expect([undefined, 'not_acceptable', 'unsupported_media_type']).toContain(accepts(accept));
        expect([undefined, 'unsupported_media_type']).toContain(sent(accept, true));
      }),
      { seed: 2, numRuns: 500 },
    );
  });
});
