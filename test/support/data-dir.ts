import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A fresh directory for DATA_DIR, which the user postgres may walk through. */
export async function makeDataDir(): Promise<string> {
  const created = await mkdtemp(join(tmpdir(), 'latchkey-test-'));
  await chmod(created, 0o711);
  return created;
}

/** The process of the embedded PostgreSQL of a data directory; null when none runs. */
export async function postmasterOf(dataDir: string): Promise<number | null> {
  const lock = await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number(lock.split('\n')[0]);
  return pid > 0 && isRunning(pid) ? pid : null;
}

/** @throws Error, and leaves the directory as it is, when its PostgreSQL still runs */
export async function removeDataDir(dataDir: string): Promise<void> {
  const pid = await postmasterOf(dataDir);
  if (pid !== null) {
    process.kill(pid, 'SIGQUIT');
    throw new Error(`the PostgreSQL of ${dataDir} was left running`);
  }
  await rm(dataDir, { recursive: true, force: true });
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
