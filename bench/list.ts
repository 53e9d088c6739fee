import { loadSessions } from './population.js';
import { shown, targetTable, type Row, type Table } from './report.js';
import { interleaved, ratioOf, spreadOf, type Measured } from './rounds.js';
import { sameDocument } from './same-document.js';
import { Stage } from './stage.js';
import type { SuiteOptions } from './suite.js';
import { listOn } from './targets.js';

const LOAD = { connections: 32, seconds: 2 };

/** A page of 30 sessions beside bare node:http and pg: the same statements, the same document. */
export function list({ beside, rounds }: SuiteOptions): Promise<readonly Table[]> {
  return Stage.with(async (stage) => {
    await stage.postgres.createDatabase('latchkey');
    const latchkey = await stage.latchkey('latchkey');
    await loadSessions(stage.postgres, 'latchkey');
    const bare = await stage.reference('list', 'latchkey');
    const other = beside === undefined ? null : await stage.latchkey('latchkey', {}, { build: beside });
    const targets = ([30, 60] as const).flatMap((sessions) => [
      { ...listOn(bare, sessions), name: `bare, 30 of ${sessions}` },
      { ...listOn(latchkey, sessions), name: `Latchkey, 30 of ${sessions}` },
      ...(other === null
        ? []
        : [{ ...listOn(other, sessions), name: `Latchkey of ${beside}, 30 of ${sessions}` }]),
    ]);
    const half = targets.length / 2;
    for (const at of [0, half]) await sameDocument(targets[at]!, targets[at + 1]!);
    const measured = await interleaved(stage.postgres, targets, LOAD, rounds);
    return [
      { rows: measured.map((row, at) => asRow(row, measured[at < half ? 0 : half]!)) },
      targetTable(
        [0, half].map((at) => ({
          of: `requests/s, ${measured[at + 1]!.name} × bare`,
          measured: ratioOf(measured[at + 1]!, measured[at]!, 'requestsPerSecond'),
          must: 0.4,
          goal: 0.6,
          better: 'more',
        })),
      ),
    ];
  });
}

function asRow(row: Measured, bare: Measured): Row {
  return {
    server: row.name,
    'requests/s': shown(spreadOf(row, 'requestsPerSecond'), 0),
    '× bare': shown(ratioOf(row, bare, 'requestsPerSecond'), 2),
    'server CPU µs': shown(spreadOf(row, 'cpuMicroseconds'), 0),
    'CPU × bare': shown(ratioOf(row, bare, 'cpuMicroseconds'), 2),
    'PostgreSQL CPU µs': shown(spreadOf(row, 'databaseCpuMicroseconds'), 0),
    'p99 ms': shown(spreadOf(row, 'p99Milliseconds'), 1),
  };
}
