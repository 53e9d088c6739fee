import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { errorsOf } from '../../src/faces/lendix/errors.js';
import { readListQuery, readSecuring, readSignIn } from '../../src/faces/lendix/requests.js';
import {
  fromLendixId,
  fromLendixToken,
  showUser,
  toLendixId,
  toPage,
} from '../../src/faces/lendix/translate.js';
import { Refusal } from '../../src/refusal.js';
import { mintToken } from '../../src/secrets.js';
import type { User } from '../../src/users/user.entity.js';

/** The same values in every run: what fails here fails again. */
const RUNS = { seed: 20_261_121, numRuns: 5_000 };
const id = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n });

describe('ids', () => {
  it('go there and back, and sort as they are', () => {
    fc.assert(
      fc.property(id, id, (one, other) => {
        const [left, right] = [toLendixId(String(one)), toLendixId(String(other))];
        expect(left).toMatch(/^[0-9a-f]{24}$/);
        expect(fromLendixId(left)).toBe(String(one));
        expect(left < right).toBe(one < other);
      }),
      RUNS,
    );
  });

  it('have one spelling: a text is no id, or the very one that its id is written as', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^0{7,9}[0-9a-fA-F]{14,17}$/));
    fc.assert(
      fc.property(text, (spelling) => {
        const known = fromLendixId(spelling);
        if (known !== undefined) expect(toLendixId(known)).toBe(spelling);
      }),
      RUNS,
    );
  });

  it.each(['0'.repeat(24), `${'0'.repeat(8)}8${'0'.repeat(15)}`, 'f'.repeat(24)])(
    'that no row can have are none: %s',
    (text) => expect(fromLendixId(text)).toBeUndefined(),
  );
});

describe('tokens', () => {
  it('lose their hyphens and get them back; what is no token stays as it is', () => {
    for (let n = 0; n < 100; n++) {
      const token = mintToken();
      expect(fromLendixToken(token.replaceAll('-', ''))).toBe(token);
      expect(fromLendixToken(token)).toBe(token);
    }
    for (const text of ['', 'e30.e30.e30', 'A'.repeat(32), '0'.repeat(31)]) {
      expect(fromLendixToken(text)).toBe(text);
    }
  });
});

describe('telephone numbers', () => {
  const beside = { intercomSecret: undefined };
  const phoneOf = (phoneNumber: string | null) => {
    const user = { id: '1', phoneNumber, rights: [], metadata: {}, createdAt: new Date(0), email: 'a@b.c' };
    return (showUser(user as unknown as User, beside) as { phone?: object }).phone;
  };

  it.each([
    ['+33 6 00 00 00 00', '33', '600000000'],
    ['0033600000000', '33', '600000000'],
    ['+1 (500) 555-0006', '1', '5005550006'],
    ['+7 912 345-67-89', '7', '9123456789'],
    ['+43 660 1234567', '43', '6601234567'],
    ['+420 601 123 456', '420', '601123456'],
    ['+352 621 123 456', '352', '621123456'],
    ['+972 50 123 4567', '972', '501234567'],
    ['+98 912 345 6789', '98', '9123456789'],
  ])('are split after the country code: %s', (number, countryCode, rest) => {
    expect(phoneOf(number)).toEqual({ countryCode, number: rest });
  });

  it.each([null, '', '06 00 00 00 00', 'call me'])('that name no country are left out: %s', (number) => {
    expect(phoneOf(number)).toBeUndefined();
  });
});

describe('requests', () => {
  it('are read or refused, whatever they are', () => {
    const member = fc.constantFrom('email', 'password', 'code', 'secured', 'codeOrigin', 'x');
    const body = fc.oneof(fc.jsonValue(), fc.dictionary(member, fc.jsonValue()));
    const parameter = fc.record({
      name: fc.constantFrom('limit', 'after', 'before', 'x'),
      base: fc.string(),
      path: fc.constant([]),
      value: fc.string(),
    });
    fc.assert(
      fc.property(body, fc.array(parameter), (sent, query) => {
        for (const read of [
          () => readSignIn(sent),
          () => readSecuring(sent),
          () => toPage({ ...readListQuery(query), after: null, before: null }),
        ]) {
          try {
            expect(read()).toBeDefined();
          } catch (error) {
            expect(error).toBeInstanceOf(Refusal);
            expect(errorsOf(error as Refusal).status).toBe(400);
          }
        }
      }),
      RUNS,
    );
  });
});
