import { loadSessions } from './population.js';
import { serverRow, targetTable, type Table } from './report.js';
import { interleaved, ratioOf } from './rounds.js';
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
      { rows: measured.map((row, at) => serverRow(row, measured[at < half ? 0 : half]!, 'bare')) },
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
