import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Message, unlessZero, writeTimestamp } from '../../src/faces/zitadel/protojson.js';
import { readSearch } from '../../src/faces/zitadel/search.js';
import { readComposition, readOpening } from '../../src/faces/zitadel/translate.js';
import { Refusal } from '../../src/refusal.js';

/** The member that a refusal names. */
function placeOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return error.problems[0].member;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('protojson, read', () => {
  it('takes names in both spellings, and null for "not set"', () => {
    const message = Message.of({ sorting_column: 1, session_token: 'x', asc: null });
    expect(message.enum('sortingColumn', ['A', 'B'])).toBe('B');
    expect(message.text('sessionToken', 10)).toBe('x');
    expect(message.bool('asc')).toBeUndefined();
  });

  it('takes 64-bit numbers as numbers and as strings', () => {
    const message = Message.of({ a: 7, b: '7', c: '18446744073709551615', d: 1e3 });
    expect(['a', 'b', 'd'].map((name) => message.whole(name))).toEqual([7, 7, 1_000]);
    expect(message.whole('c')).toBeGreaterThan(1e19);
    for (const value of [-1, '-1', 0.5, '0x7', '', '7 ', true, [], {}, '99999999999999999999']) {
      expect(placeOf(() => Message.of({ a: value }).whole('a'))).toBe('a');
    }
  });

  it('takes durations and timestamps in protobuf’s form only', () => {
    const message = Message.of({ a: '3600s', b: '1.5s', c: '-1s', at: '2026-01-15T02:30:15.0109999+01:00' });
    expect(['a', 'b', 'c'].map((name) => message.duration(name))).toEqual([3_600, 1.5, -1]);
    expect(message.timestamp('at')).toEqual(new Date('2026-01-15T01:30:15.010Z'));
    for (const value of ['1h', '3600', 3600, 's', '1e3s', ' 1s', '1s\n']) {
      expect(placeOf(() => Message.of({ a: value }).duration('a'))).toBe('a');
    }
    for (const value of [
      '2026-01-15',
      '2026-01-15T01:30:15',
      '2026-13-01T00:00:00Z',
      1,
      '+12026-01-01T00:00:00Z',
    ]) {
      expect(placeOf(() => Message.of({ a: value }).timestamp('a'))).toBe('a');
    }
  });

  it('takes bytes in base64 of either alphabet, padded or not, as the text they are', () => {
    const bounds = { key: 10, value: 10 };
    const read = (value: unknown) => Message.of({ m: { k: value } }).textsByKey('m', bounds);
    for (const value of ['4pyTPz8_', '4pyTPz8/']) expect(read(value)).toEqual([['k', '✓???']]);
    for (const value of ['YQ==', 'YQ']) expect(read(value)).toEqual([['k', 'a']]);
    for (const value of ['/w==', 'AA==', 'ä', 'Y Q', 1, {}, 'YQ====', 'YWFhYWFhYWFhYWE=']) {
      expect(placeOf(() => read(value))).toBe('m');
    }
  });

  it('keeps a key that JavaScript has a use for as a key', () => {
    const sent = JSON.parse('{"metadata":{"__proto__":"YQ==","constructor":"Yg=="}}') as unknown;
    const { metadata } = readComposition(Message.of(sent));
    expect(Object.entries(metadata)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
    expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype);
  });

  it('takes no body for the empty message, and nothing but an object for one', () => {
    expect(readSearch(Message.of(undefined), { userId: '1', fingerprint: null }).filter).toEqual({
      combine: 'and',
      members: [],
    });
    expect(readComposition(Message.of({}))).toEqual({
      codes: [],
      challenges: [],
      metadata: {},
      lifetimeSeconds: null,
    });
    for (const value of [null, [], 'x', 1, true]) expect(placeOf(() => Message.of(value))).toBe('body');
  });

  it('reads every check and challenge', () => {
    const code = { code: '1' };
    const checks = {
      user: { userId: '7' },
      password: { password: 'p' },
      totp: code,
      otpSms: code,
      otpEmail: code,
      recoveryCode: code,
    };
    const challenges = { otpSms: { returnCode: true }, otpEmail: { sendCode: { urlTemplate: 'https://x' } } };
    expect(readOpening(Message.of({ checks, challenges, lifetime: '1.2s' }))).toEqual({
      user: { id: '7' },
      password: 'p',
      codes: ['totp', 'sms_code', 'email_code', 'recovery_code'].map((kind) => ({ kind, code: '1' })),
      challenges: [
        { channel: 'sms', deliver: false },
        { channel: 'email', deliver: true },
      ],
      metadata: {},
      lifetimeSeconds: 2,
      fingerprint: null,
      agent: null,
    });
  });

  it('refuses more headers than anyone sends, and a value that is none', () => {
    const header = Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`x-${n}`, { values: ['1'] }]));
    expect(placeOf(() => readOpening(Message.of({ userAgent: { header } })))).toBe('userAgent.header');
    const values = { userAgent: { header: { a: { values: 'x' } } } };
    expect(placeOf(() => readOpening(Message.of(values)))).toBe('userAgent.header.values');
  });
});

/** Whatever JSON there is, mostly of members that have a meaning. */
const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.jsonValue({ maxDepth: 1 }),
    fc.constantFrom('3600s', 'YQ==', '2026-01-15T01:30:15Z', '7', '__proto__', -0, 2 ** 53),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('message'),
  ),
  message: fc.dictionary(
    fc.constantFrom(
      ...[
        'query',
        'queries',
        'sortingColumn',
        'idsQuery',
        'userIdQuery',
        'creationDateQuery',
        'expirationDateQuery',
      ],
      ...[
        'creatorQuery',
        'userAgentQuery',
        'ids',
        'id',
        'creationDate',
        'method',
        'fingerprintId',
        'offset',
        'limit',
      ],
      ...[
        'checks',
        'user',
        'userId',
        'loginName',
        'password',
        'totp',
        'otpSms',
        'otpEmail',
        'code',
        'challenges',
      ],
      ...[
        'returnCode',
        'sendCode',
        'metadata',
        'lifetime',
        'userAgent',
        'header',
        'values',
        'ip',
        'session_token',
      ],
    ),
    tie('value'),
    { maxKeys: 6 },
  ),
})).value;

describe('any body', () => {
  it('is read, or refused with a place: never a bug', () => {
    const readers = [
      (message: Message) => readSearch(message, { userId: '1', fingerprint: null }),
      readComposition,
      readOpening,
    ];
    const read = (value: unknown) => {
      for (const reader of readers) {
        try {
          reader(Message.of(value));
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
        }
      }
    };
    fc.assert(fc.property(anything, read), { numRuns: 1_000 });
  });
});

describe('protojson, written', () => {
  it('leaves out what is zero, empty or not set, and nothing else', () => {
    const kept = { i: 1, j: 'x', k: [0], l: { m: 1 } };
    const members = {
      a: 0,
      b: '',
      c: false,
      d: null,
      e: undefined,
      f: [],
      g: {},
      h: '0',
      ...kept,
    };
    const written = Object.entries(members).map(([name, value]) => [name, unlessZero(value)]);
    expect(JSON.parse(JSON.stringify(Object.fromEntries(written)))).toStrictEqual(kept);
  });

  it('writes instants with three digits of a second, or none', () => {
    expect(writeTimestamp(new Date('2023-01-15T01:30:15.010Z'))).toBe('2023-01-15T01:30:15.010Z');
    expect(writeTimestamp(new Date('2023-01-15T01:30:15.000Z'))).toBe('2023-01-15T01:30:15Z');
  });
});
