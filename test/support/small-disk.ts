import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { chown, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MEGABYTE = Buffer.alloc(1024 * 1024, 1);

/** A file system of a few megabytes, which can be filled to the last byte. */
export class SmallDisk {
  private constructor(readonly path: string) {}

  /** Whether this machine lets us mount one: as root, outside most containers. */
  static canBeMounted(): boolean {
    const path = mkdtempSync(join(tmpdir(), 'latchkey-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path], { stdio: 'ignore' });
      execFileSync('umount', [path], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    } finally {
      rmdirSync(path);
    }
  }

  /** @param owner of its root directory */
  static async mount(megabytes: number, owner: { uid: number; gid: number }): Promise<SmallDisk> {
    const path = await mkdtemp(join(tmpdir(), 'latchkey-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'tmpfs', path]);
    await chown(path, owner.uid, owner.gid);
    return new SmallDisk(path);
  }

  /** Takes what room is left. */
  async fill(): Promise<void> {
    const ballast = await open(this.ballast, 'w');
    try {
      for (const bytes of [MEGABYTE, MEGABYTE.subarray(0, 4096)]) {
        await writeUntilFull(() => ballast.appendFile(bytes));
      }
    } finally {
      await ballast.close();
    }
  }

  /** Gives it back. */
  async free(): Promise<void> {
    await rm(this.ballast, { force: true });
  }

  /** Whatever used it has to be gone. */
  async unmount(): Promise<void> {
    execFileSync('umount', [this.path]);
    await rm(this.path, { recursive: true });
  }

  private get ballast(): string {
    return join(this.path, 'ballast');
  }
}

async function writeUntilFull(write: () => Promise<unknown>): Promise<void> {
  try {
    for (;;) await write();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
