import { burst, tryOut, type Burst, type Load, type Target } from './load.js';
import type { BenchedPostgres } from './postgres.js';

/** A number measured round after round: the middle one, and how far the others lie apart. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** What the rounds of one target measured, in their order. */
export interface Measured {
  readonly name: string;
  readonly bursts: readonly Burst[];
}

/** One number of a burst; null where it cannot be read on this machine. */
type Pick = keyof Burst;

/** Rounds before those that count: until then code is compiled, connections are opened, pages are read. */
const WARMING_ROUNDS = 2;

/** Measures all targets in turn, round after round, so that whatever slows the machine down slows them all. */
export async function interleaved(
  postgres: BenchedPostgres,
  targets: readonly Target[],
  load: Load,
  rounds: number,
): Promise<Measured[]> {
  const measured = targets.map((target) => ({ target, name: target.name, bursts: [] as Burst[] }));
  for (const { target } of measured) await tryOut(target);
  for (let round = -WARMING_ROUNDS; round < rounds; round++) {
    for (const { target, bursts } of measured) {
      const taken = await burst(postgres, target, load);
      if (round >= 0) bursts.push(taken);
    }
  }
  return measured;
}

/** One number of a target over its rounds; null where it cannot be read on this machine. */
export function spreadOf({ bursts }: Measured, pick: Pick): Spread | null {
  const values = bursts.map((burst) => burst[pick]).filter((value) => value !== null);
  return values.length === 0 ? null : spread(values);
}

/** The same as so many times that of another target, round by round: what slowed one round slowed both. */
export function ratioOf(measured: Measured, reference: Measured, pick: Pick): Spread | null {
  return compared(measured, reference, pick, (own, other) => own / other);
}

/** How much more it is than that of another target, round by round. */
export function excessOf(measured: Measured, reference: Measured, pick: Pick): Spread | null {
  return compared(measured, reference, pick, (own, other) => own - other);
}

/** The middle of some values, and their bounds. */
export function spread(values: readonly number[]): Spread {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

/** The middle value; of an even number of values, the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

function compared(
  measured: Measured,
  reference: Measured,
  pick: Pick,
  compare: (own: number, other: number) => number,
): Spread | null {
  const values = measured.bursts.flatMap((burst, round) => {
    const [own, other] = [burst[pick], reference.bursts[round]?.[pick] ?? null];
    return own === null || other === null ? [] : [compare(own, other)];
  });
  return values.length === 0 ? null : spread(values);
}
