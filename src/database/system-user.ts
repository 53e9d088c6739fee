import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Who runs the embedded server: ourselves, or another user when we are root, since PostgreSQL refuses to be root. */
export class SystemUser {
  /** @param ids of the other user; empty for ourselves */
  constructor(readonly ids: { readonly uid?: number; readonly gid?: number }) {}

  get isSomeoneElse(): boolean {
    return this.ids.uid !== undefined;
  }

  /** Whether this user may walk to a file or directory: one below another's private home is out of reach. */
  async canReach(path: string): Promise<boolean> {
    if (!this.isSomeoneElse) return true;
    return execute('/bin/sh', ['-c', 'test -x "$1"', 'sh', path], { cwd: '/', ...this.ids }).then(
      () => true,
      () => false,
    );
  }
}

/**
 * Ourselves, unless we are root: then the owner of the cluster that is already there, else the system user
 * `postgres`, who is created when absent.
 * @param cluster directory of the cluster, which need not exist
 */
export async function chooseSystemUser(cluster: string): Promise<SystemUser> {
  if (process.getuid?.() !== 0) return new SystemUser({});
  const owner = await stat(cluster).catch(() => null);
  if (owner !== null && owner.uid !== 0) return new SystemUser({ uid: owner.uid, gid: owner.gid });
  const known = await idsOf('postgres');
  if (known !== null) return new SystemUser(known);
  try {
    await execute('groupadd', ['-r', '-f', 'postgres']);
    await execute('useradd', [
      '-r',
      '-g',
      'postgres',
      '-d',
      '/nonexistent',
      '-s',
      '/usr/sbin/nologin',
      'postgres',
    ]);
  } catch (error) {
    // Another process may have been quicker.
    if ((await idsOf('postgres')) === null) {
      throw new Error(
        `PostgreSQL refuses to run as root and the user postgres could not be created (${(error as Error).message}): run Latchkey as a plain user, or set DATABASE_URL`,
        { cause: error },
      );
    }
  }
  return new SystemUser((await idsOf('postgres')) ?? {});
}

async function idsOf(name: string): Promise<{ uid: number; gid: number } | null> {
  try {
    const [uid, gid] = await Promise.all([execute('id', ['-u', name]), execute('id', ['-g', name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return null;
  }
}
