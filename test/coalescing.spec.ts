import { describe, expect, it } from '@jest/globals';
import { Coalescing } from '../src/coalescing.js';

/** Work that takes until it is let go, or made to fail, and notes what it began. */
function slow() {
  const begun: string[] = [];
  const endings: (() => void)[] = [];
  let mostAtOnce = 0;
  let running = 0;
  const coalescing = new Coalescing<string>(async (key) => {
    begun.push(key);
    mostAtOnce = Math.max(mostAtOnce, ++running);
    const failure = await new Promise<Error | void>((resolve) => endings.push(resolve));
    running--;
    if (failure !== undefined) throw failure;
  });
  /** Ends the run that began first of those under way. */
  const end = async (failure?: Error) => {
    (endings.shift() as (failure?: Error) => void)(failure);
    await settled();
  };
  return { coalescing, begun, end, mostAtOnce: () => mostAtOnce };
}

/** Everything that needs nothing but its turn has had it. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('coalescing', () => {
  it('runs at once for who asks first, and once more for all who ask meanwhile', async () => {
    const { coalescing, begun, end, mostAtOnce } = slow();
    const first = coalescing.run('a');
    await settled();
    const later = Array.from({ length: 100 }, () => coalescing.run('a'));
    await settled();
    expect(begun).toEqual(['a']);
    await end();
    await first;
    expect(begun).toEqual(['a', 'a']);
    await end();
    await Promise.all(later);
    expect([begun.length, mostAtOnce()]).toEqual([2, 1]);
  });

  it('gives all who ask at the same moment the same run', async () => {
    const { coalescing, begun, end } = slow();
    const runs = [coalescing.run('a'), coalescing.run('a')];
    await settled();
    await end();
    await Promise.all(runs);
    expect(begun).toEqual(['a']);
  });

  it('ends no run for whoever asks while it is under way: it may have begun too early for them', async () => {
    const { coalescing, end } = slow();
    void coalescing.run('a');
    await settled();
    let isOver = false;
    const later = coalescing.run('a').then(() => (isOver = true));
    await end();
    expect(isOver).toBe(false);
    await end();
    await later;
  });

  it('tells all who share a run that it failed, and nobody of the next', async () => {
    const { coalescing, end } = slow();
    const runs = [coalescing.run('a'), coalescing.run('a')];
    await settled();
    const next = coalescing.run('a');
    const told = Promise.allSettled(runs);
    await end(new Error('away'));
    expect((await told).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await end();
    await expect(next).resolves.toBeUndefined();
  });

  it('lets the work of one key wait for no other', async () => {
    const { coalescing, begun, end } = slow();
    const runs = [coalescing.run('a'), coalescing.run('b')];
    await settled();
    expect(begun).toEqual(['a', 'b']);
    await end();
    await end();
    await Promise.all(runs);
  });

  it('lets work ask for itself: it runs once more, and not beside itself', async () => {
    let runs = 0;
    let again: Promise<void> | undefined;
    const coalescing: Coalescing = new Coalescing(async () => {
      if (++runs === 1) again = coalescing.run();
      await settled();
      expect(runs === 1 || again !== undefined).toBe(true);
    });
    await coalescing.run();
    expect(runs).toBe(1);
    await again;
    expect(runs).toBe(2);
  });

  it.each([
    ['well', undefined],
    ['badly', new Error('away')],
  ])('forgets a key that is idle, however its runs ended: %s', async (_how, failure) => {
    const { coalescing, end } = slow();
    const runs = Promise.allSettled([coalescing.run('a'), settled().then(() => coalescing.run('a'))]);
    await settled();
    await settled();
    await end(failure);
    await end(failure);
    await runs;
    expect(Object.values(coalescing).filter((value) => value instanceof Map && value.size > 0)).toEqual([]);
  });
});
