import { expect } from '@jest/globals';
import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Response } from 'supertest';
import type { Latchkey } from './latchkey.js';

/** What came of using a credential. */
export interface Outcome {
  readonly status: number;
  readonly isAccepted: boolean;
  /** The use of what was handed out, which must not outlive what it was got with. */
  readonly gained?: Use;
}
export type Use = (on: Latchkey) => Promise<Outcome>;

/** Something that takes a credential away, or puts another in its place. */
export interface Superseding {
  /** Whatever the credential opens. */
  readonly uses: readonly Use[];
  /** Resolves once it was answered that the credential is gone. */
  readonly act: (on: Latchkey) => Promise<unknown>;
  /** Looks at what has to hold afterwards, at either instance. */
  readonly afterwards?: (on: Latchkey) => Promise<void>;
}

const schedules = fc.record({
  clients: fc.array(fc.record({ use: fc.nat(60), on: fc.nat(1), delay: fc.nat(15) }), {
    minLength: 4,
    maxLength: 8,
  }),
  actOn: fc.nat(1),
  actDelay: fc.nat(25),
});
type Schedule = typeof schedules extends fc.Arbitrary<infer S> ? S : never;

/** The same schedules in every run; RACE_RUNS asks for more of them. */
const RUNS = { seed: 20_261_121, numRuns: Number(process.env.RACE_RUNS ?? 3), endOnFailure: true };

/**
 * Holds that no request that began after the answer of `act` is accepted with what it took away, nor with anything
 * that was got by it, whatever was under way: at both instances, by many clients, in made-up orders.
 */
export async function holdsInEveryOrder(
  instances: readonly [Latchkey, Latchkey],
  prepare: () => Promise<Superseding>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(schedules, async (schedule) => {
      const superseding = await prepare();
      expect(await tooLate(instances, superseding, schedule)).toEqual([]);
      for (const on of instances) await superseding.afterwards?.(on);
    }),
    RUNS,
  );
}

/** An answer as the outcome of a use. @param refusals the statuses that say no; a 5xx is nobody's answer */
export function outcome(
  { status, text }: Response,
  refusals: readonly number[] = [401],
  gained?: Use,
): Outcome {
  if (status >= 500) throw new Error(`${status}: ${text}`);
  const isAccepted = !refusals.includes(status);
  return { status, isAccepted, ...(isAccepted && gained && { gained }) };
}

async function tooLate(
  instances: readonly [Latchkey, Latchkey],
  { uses, act }: Superseding,
  { clients, actOn, actDelay }: Schedule,
): Promise<string[]> {
  const late: string[] = [];
  const gains: Use[] = [];
  let answeredAt = Infinity;
  const using = async ({ use, on, delay }: Schedule['clients'][number]) => {
    await sleep(delay);
    for (let turn = 0, isLate = false; !isLate; turn++) {
      isLate = answeredAt < performance.now();
      const { status, isAccepted, gained } = await uses[(use + turn) % uses.length]!(
        instances[(on + turn) % 2]!,
      );
      if (gained !== undefined) gains.push(gained);
      if (isLate && isAccepted) late.push(`use ${(use + turn) % uses.length} was answered ${status}`);
    }
  };
  const acting = async () => {
    await sleep(actDelay);
    await act(instances[actOn]!).finally(() => (answeredAt = performance.now()));
  };
  await Promise.all([acting(), ...clients.map(using)]);
  // Each of them once more, also those that no client came to; then what they handed out.
  for (const [index, use] of [...uses, ...gains].entries()) {
    for (const on of instances) {
      const { status, isAccepted } = await use(on);
      if (isAccepted)
        late.push(`${index < uses.length ? 'use' : 'gain'} ${index} was answered ${status} at last`);
    }
  }
  return late;
}
