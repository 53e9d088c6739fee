import { randomBytes } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';

/**
 * The secret in a file: 64 hex digits, made at random when the file is not there (mode 0600). Two processes that
 * start at once agree: the file appears complete or not at all, and the first one stays.
 */
export async function keptSecret(path: string): Promise<string> {
  const known = await readSecret(path);
  if (known !== null) return known;
  const unfinished = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  const file = await open(unfinished, 'wx', 0o600);
  try {
    await file.writeFile(`${randomBytes(32).toString('hex')}\n`);
    await file.sync();
    await link(unfinished, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await file.close();
    await rm(unfinished, { force: true });
  }
  const kept = await readSecret(path);
  if (kept === null) throw new Error(`${path} vanished while it was being written`);
  return kept;
}

/** The secret in a file, or null when there is none. @throws Error when the file holds something else */
export async function readSecret(path: string): Promise<string | null> {
  const content = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new Error(`${path} cannot be read: ${error.message}`, { cause: error });
  });
  if (content === null) return null;
  const secret = content.trim();
  if (!/^[0-9a-f]{64}$/i.test(secret)) throw new Error(`${path} does not hold 64 hex digits`);
  return secret;
}
