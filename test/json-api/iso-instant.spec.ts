import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isoInstant } from '../../src/json-api/iso-instant.js';

describe('isoInstant', () => {
  it('writes every instant as Date does, of however many days', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), (at) => isoInstant(at) === at.toISOString()),
      {
        numRuns: 5_000, // more days than are remembered
      },
    );
  });

  it('throws for what is no instant, as Date does', () => {
    expect(() => isoInstant(new Date(NaN))).toThrow(RangeError);
  });
});
