import { burst, type Burst, type Target } from './load.js';
import type { BenchedServer } from './server.js';

/** The middle of several bursts, and how far they lie apart. */
export interface Measured {
  readonly name: string;
  readonly milliseconds: number;
  readonly least: number;
  readonly most: number;
  readonly requestsPerSecond: number;
  readonly p99Milliseconds: number;
  readonly cpuMicroseconds: number | null;
}

/** Measures all targets in turn, round after round, so that whatever slows the machine down slows them all. */
export async function interleaved(
  server: BenchedServer,
  targets: readonly Target[],
  { rounds, ...load }: { rounds: number; connections: number; seconds: number },
): Promise<Measured[]> {
  for (const target of targets) await burst(server, target, { ...load, seconds: 1 });
  const bursts = new Map<Target, Burst[]>(targets.map((target) => [target, []]));
  for (let round = 0; round < rounds; round++) {
    for (const target of targets) bursts.get(target)!.push(await burst(server, target, load));
  }
  return targets.map((target) => middle(target.name, bursts.get(target)!));
}

function middle(name: string, bursts: readonly Burst[]): Measured {
  const of = (value: (burst: Burst) => number | null) =>
    bursts.map(value).filter((number) => number !== null);
  const times = of((burst) => burst.milliseconds);
  const cpu = of((burst) => burst.cpuMicroseconds);
  return {
    name,
    milliseconds: median(times),
    least: Math.min(...times),
    most: Math.max(...times),
    requestsPerSecond: median(of((burst) => burst.requestsPerSecond)),
    p99Milliseconds: median(of((burst) => burst.p99Milliseconds)),
    cpuMicroseconds: cpu.length === 0 ? null : median(cpu),
  };
}

/** The middle value; of an even number of values, the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
