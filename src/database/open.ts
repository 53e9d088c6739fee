import { join } from 'node:path';
import type { Config } from '../config.js';
import { makeReachable } from './cluster.js';
import { EmbeddedServer, PASSWORD_FILE, type Role } from './embedded-server.js';
import { keptSecret, readSecret } from './kept-secret.js';

/** The database to work on and the key that seals secrets in it. */
export interface Database {
  /** With the password: for a connection, never for a log. */
  readonly url: string;
  /** 32 bytes. */
  readonly secretKey: Buffer;
  /** Close the pool first. Stops the embedded server when no other Latchkey process uses it. */
  close(): Promise<void>;
}

/**
 * The database that the configuration names: that of DATABASE_URL, which any number of servers may share, or the
 * embedded one in DATA_DIR, which is created, started or attached to.
 * @param notice told in one line what an operator should know; by default standard error
 * @throws Error when DATA_DIR is in use by another server and the role is `server`
 */
export async function openDatabase(
  config: Config,
  role: Role,
  notice: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
): Promise<Database> {
  const url = config.get('DATABASE_URL');
  const configuredKey = config.get('SECRET_KEY');
  if (url !== undefined && configuredKey !== undefined) {
    return { url, secretKey: configuredKey, close: () => Promise.resolve() };
  }
  const dataDir = config.get('DATA_DIR');
  const pools = config.get('DATABASE_POOL_SIZE') * config.get('WEB_CONCURRENCY');
  const settings = { max_connections: String(Math.max(100, pools + 50)) };
  const secretKey = configuredKey ?? (await keptSecretKey(dataDir));
  const server = await EmbeddedServer.open({ dataDir, role, settings, notice });
  try {
    await server.ensureDatabase('latchkey');
    return { url: server.url('latchkey'), secretKey, close: () => server.close() };
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** It is made before the password, so where a password is, a key was: a new one could not open what is stored. */
async function keptSecretKey(dataDir: string): Promise<Buffer> {
  const file = join(dataDir, 'secret.key');
  await makeReachable(dataDir);
  if ((await readSecret(join(dataDir, PASSWORD_FILE))) !== null && (await readSecret(file)) === null) {
    throw new Error(
      `${file} is missing, and the database in ${dataDir} holds secrets sealed under it: restore the file, or set SECRET_KEY to what it was`,
    );
  }
  return Buffer.from(await keptSecret(file), 'hex');
}
