import { readFile, rm } from 'node:fs/promises';
import type { Profiler } from 'node:inspector';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { listThrough } from './faces.js';
import { burst, tryOut, type Load, type Target } from './load.js';
import { loadSessions } from './population.js';
import type { Row, Table } from './report.js';
import type { BenchedServer } from './server.js';
import { Stage } from './stage.js';
import { clerkTokensOn, currentOn, jwtOn, listOn, loginOn, passwordHash } from './targets.js';

const SHOWN = 20;
const SECONDS = 10;
const NODE_OPTIONS = ['--import', './test/support/typescript.js', '--import', './bench/profiler.ts'];

/** What can be profiled: the request of each suite, and each API's list. */
export const PROFILED: Readonly<Record<string, (server: BenchedServer) => Target | Promise<Target>>> = {
  hot: currentOn,
  list: (server) => listOn(server, 60),
  login: loginOn,
  jwt: jwtOn,
  clerk: clerkTokensOn,
  ...Object.fromEntries(
    ['Lendix', 'Clerk', 'PORTOS', 'ZITADEL'].map((api) => [
      `list ${api}`,
      (server: BenchedServer) => listThrough(api, server),
    ]),
  ),
};

/** Which functions of Latchkey's own thread a request's time goes to, the topmost twenty by what they take themselves. */
export function profile(of: string): Promise<readonly Table[]> {
  return Stage.with(async (stage) => {
    const file = join(tmpdir(), `latchkey-${process.pid}.cpuprofile`);
    await stage.postgres.createDatabase('latchkey');
    const server = await stage.latchkey('latchkey', { PROFILE_TO: file }, { nodeOptions: NODE_OPTIONS });
    await loadSessions(stage.postgres, 'latchkey', await passwordHash());
    const target = await PROFILED[of]!(server);
    const load: Load = { connections: of === 'login' ? 16 : 32, seconds: SECONDS };
    await tryOut(target);
    await burst(stage.postgres, target, load);
    server.signal('SIGUSR2');
    const { requestsPerSecond } = await burst(stage.postgres, target, load);
    server.signal('SIGUSR2');
    const taken = JSON.parse(await contentOf(file)) as Profiler.Profile;
    return [{ rows: topmost(taken, requestsPerSecond * SECONDS) }];
  });
}

/** Waits for a file that another process writes. */
async function contentOf(file: string): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt++) {
    await sleep(200);
    const content = await readFile(file, 'utf8').catch(() => '');
    if (content.endsWith('}')) {
      await rm(file);
      return content;
    }
  }
  throw new Error('no profile was written');
}

function topmost({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile, requests: number): Row[] {
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const taken = new Map<string, { name: string; where: string; microseconds: number }>();
  let busy = 0;
  for (const [at, id] of samples.entries()) {
    const { functionName, url, lineNumber } = byId.get(id)!;
    if (functionName === '(idle)') continue;
    const key = `${functionName} ${url}:${lineNumber}`;
    const name = functionName || `(anonymous, line ${lineNumber + 1})`;
    const sum = taken.get(key) ?? { name, where: whereIs(url), microseconds: 0 };
    const microseconds = timeDeltas[at + 1] ?? 0; // a sample stands for the time until the next one
    taken.set(key, { ...sum, microseconds: sum.microseconds + microseconds });
    busy += microseconds;
  }
  const sorted = [...taken.values()].sort((a, b) => b.microseconds - a.microseconds);
  return [...sorted.slice(0, SHOWN), others(sorted.slice(SHOWN))].map(({ name, where, microseconds }) => ({
    function: name.startsWith('(') ? name : `\`${name}\``,
    where,
    'self %': ((100 * microseconds) / busy).toFixed(1),
    'self µs a request': (microseconds / requests).toFixed(1),
  }));
}

function others(rest: readonly { microseconds: number }[]): {
  name: string;
  where: string;
  microseconds: number;
} {
  const microseconds = rest.reduce((sum, each) => sum + each.microseconds, 0);
  return { name: `(${rest.length} others)`, where: '', microseconds };
}

/** The file of a function as a reader knows it. */
function whereIs(url: string): string {
  if (!url.startsWith('file:')) return url || 'V8 and system calls';
  const path = fileURLToPath(url);
  const inPackage = path.lastIndexOf('node_modules/');
  if (inPackage !== -1) return path.slice(inPackage + 'node_modules/'.length);
  return path.slice(path.indexOf('/dist/') + '/dist/'.length).replace(/\.js$/, '.ts');
}
