import { describe, expect, it, jest } from '@jest/globals';
import { remembered } from '../src/remembered.js';

describe('remembered', () => {
  it('computes each answer once, and again once it knows too many', () => {
    const compute = jest.fn((key: number) => `${key}!`);
    const ask = remembered(2, compute);
    expect([1, 1, 2, 1].map(ask)).toEqual(['1!', '1!', '2!', '1!']);
    expect(compute).toHaveBeenCalledTimes(2);
    expect([3, 1].map(ask)).toEqual(['3!', '1!']);
    expect(compute).toHaveBeenCalledTimes(4);
  });

  it('does not remember what was thrown', () => {
    const compute = jest.fn((): string => {
      throw new Error('not now');
    });
    const ask = remembered(2, compute);
    expect(() => ask(1)).toThrow('not now');
    compute.mockReturnValueOnce('now');
    expect(ask(1)).toBe('now');
  });
});
