import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { open, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from './data-dir.js';

const ROOT = join(import.meta.dirname, '..', '..');
const SOURCES = ['src', 'migrations', 'ormconfig.ts', 'tsconfig.json', 'tsconfig.build.json'];
const BUILT = join(ROOT, 'dist', 'src');
/** Its time is the moment at which the build began: what is edited meanwhile counts as newer. */
const STAMP = join(BUILT, 'cli.js');
const LOCK = join(ROOT, 'node_modules', '.latchkey-build.lock');

/**
 * Compiles the service as it is shipped, unless that was done since its sources changed; of several test processes
 * one compiles and the others wait. Types are not checked: another command does that.
 * @returns the path of `dist/src`, with `main.js` and `cli.js` in it
 */
export async function built(): Promise<string> {
  while (existsSync(LOCK) || (await isStale())) {
    if (await lock()) await compileIfStale().finally(() => rm(LOCK, { force: true }));
    else await sleep(100);
  }
  return BUILT;
}

async function isStale(): Promise<boolean> {
  const stamp = await stat(STAMP).catch(() => null);
  return stamp === null || (await newest()) > stamp.mtimeMs;
}

async function newest(): Promise<number> {
  const times = SOURCES.map(async (source) => {
    const path = join(ROOT, source);
    const found = await stat(path);
    const names = found.isDirectory() ? await readdir(path, { recursive: true }) : [];
    const inside = names.map(async (name) => (await stat(join(path, name))).mtimeMs);
    return Math.max(found.mtimeMs, ...(await Promise.all(inside)));
  });
  return Math.max(...(await Promise.all(times)));
}

async function compileIfStale(): Promise<void> {
  if (!(await isStale())) return;
  const startedAt = new Date();
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const child = spawn(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--noCheck'], {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error('The service could not be compiled');
  await utimes(STAMP, startedAt, startedAt);
}

/** True for one process at a time; the lock of one that died is taken away. */
async function lock(): Promise<boolean> {
  try {
    const file = await open(LOCK, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const holder = Number(await readFile(LOCK, 'utf8').catch(() => ''));
  if (holder > 0 && !isRunning(holder)) await rm(LOCK, { force: true });
  return false;
}
