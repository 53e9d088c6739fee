import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { WORDS } from '../../src/faces/portos/errors.js';
import { readList } from '../../src/faces/portos/ndata.js';
import { fromPortosId, readSignIn, toPortosId, toPortosInstant } from '../../src/faces/portos/translate.js';
import { Refusal } from '../../src/refusal.js';

/** The same values in every run: what fails here fails again. */
const RUNS = { seed: 20_261_121, numRuns: 10_000 };

const id = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n });

/** Does something; whatever is thrown other than a refusal is a bug. */
function orRefused<T>(work: () => T): T | Refusal {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

describe('ids', () => {
  it('go there and back, and sort as they are', () => {
    fc.assert(
      fc.property(id, id, (one, other) => {
        const [left, right] = [toPortosId(String(one)), toPortosId(String(other))];
        expect(left).toMatch(/^[0-9A-Za-z]{32}$/);
        expect(fromPortosId(left)).toBe(String(one));
        expect(left < right).toBe(one < other);
      }),
      RUNS,
    );
  });

  it('have one spelling: a text is no id, or the very one that its id is written as', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^0{20,22}[0-9A-Za-z]{10,12}$/));
    fc.assert(
      fc.property(text, (spelling) => {
        const known = fromPortosId(spelling);
        if (known !== undefined) expect(toPortosId(known)).toBe(spelling);
      }),
      RUNS,
    );
  });
});

describe('instants', () => {
  it.each([
    ['2023-08-04T11:19:38.015Z', '2023-08-04T11:19:38.015Z'],
    ['2023-08-04T11:19:39.980Z', '2023-08-04T11:19:39.98Z'],
    ['2023-08-04T11:19:40.100Z', '2023-08-04T11:19:40.1Z'],
    ['2023-08-04T10:00:00.000Z', '2023-08-04T10:00:00Z'],
  ])('have no zeros at the end of the fraction, which alone may go: %s', (instant, written) => {
    expect(toPortosInstant(new Date(instant))).toBe(written);
  });

  it('stay the same instants', () => {
    const year = { min: new Date('1970-01-01'), max: new Date('9999-12-31'), noInvalidDate: true };
    fc.assert(
      fc.property(fc.date(year), (instant) => {
        expect(Date.parse(toPortosInstant(instant))).toBe(instant.getTime());
      }),
      RUNS,
    );
  });
});

describe('queries', () => {
  const name = fc.oneof(
    fc.string(),
    fc.constantFrom('$skip', '$take', '$sort', '$count', 'sessionId', 'startedAt', '_v'),
    fc.constantFrom('identity.userName', 'identity.deviceName', 'identity.authenticationType', 'expiresAt'),
  );
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.stringMatching(/^(eq|neq|gt|in|nin|like|near)?:?["\\;:,a0-]{0,20}$/),
    id.map((number) => `gte:${toPortosId(String(number))}`),
  );
  const query = fc.array(fc.record({ name, value }), { maxLength: 6 });

  it('SECURITY 104: are a bounded page or a refusal of theirs, whatever they hold', () => {
    fc.assert(
      fc.property(query, (pairs) => {
        const asked = orRefused(() => readList(pairs));
        if (asked instanceof Refusal) {
          expect(WORDS[asked.reason].status).toBe(400);
          return;
        }
        const { window, sort } = asked.page;
        expect(window.kind === 'offset' && window.offset >= 0 && window.limit <= 1_000).toBe(true);
        expect(sort.length).toBeLessThanOrEqual(5);
      }),
      RUNS,
    );
  });
});

describe('bodies', () => {
  it('are what a sign-in needs or a refusal, whatever they hold', () => {
    const members = fc.dictionary(
      fc.oneof(
        fc.string(),
        fc.constantFrom('UserName', 'userName', 'password', 'DEVICENAME', 'otp', 'envName'),
      ),
      fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
    );
    fc.assert(
      fc.property(fc.oneof(members, fc.jsonValue()), (body) => {
        const sent = orRefused(() => readSignIn(body));
        if (sent instanceof Refusal) expect(WORDS[sent.reason].status).toBe(400);
        else for (const text of [sent.userName, sent.deviceName]) expect(text.trim()).not.toBe('');
      }),
      RUNS,
    );
  });
});
