import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { migrations } from '../../ormconfig.js';
import { createEmptyDatabase, type TestDatabase } from '../support/database.js';
import { seen } from '../support/seen.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';
import { ask } from '../support/sql.js';
import { until } from '../support/until.js';
import { WriteLoad } from '../support/write-load.js';

jest.setTimeout(120_000);

const ROOT = join(import.meta.dirname, '..', '..');
/**
 * The last version before the events, the write marks and the indexes of migrations 12 to 16. It runs on the packages of
 * this one, of which rate-limiter-flexible is there for it alone.
 */
const OLD_VERSION = 'fc1c6f6';
const PASSWORD = 'correct horse battery';
const CYCLES = 20;
const execute = promisify(execFile);

const known = isKnown();
const ifKnown = known ? describe : describe.skip;
const where = known ? '' : ` (skipped: this copy has no history with ${OLD_VERSION} in it)`;

ifKnown(`a rolling upgrade from ${OLD_VERSION}${where}`, () => {
  let oldRoot: string;
  let database: TestDatabase;

  beforeAll(async () => {
    oldRoot = await mkdtemp(join(tmpdir(), 'latchkey-old-'));
    const unpack = `git -C "${ROOT}" archive ${OLD_VERSION} | tar -x -C "${oldRoot}"`;
    await execute('bash', ['-c', `set -o pipefail; ${unpack}`]);
    await symlink(join(ROOT, 'node_modules'), join(oldRoot, 'node_modules'));
    database = await createEmptyDatabase();
  });
  afterAll(async () => {
    await stopAllServers();
    await database?.drop();
    await rm(oldRoot, { recursive: true, force: true });
  });

  it('SECURITY 162: the old version serves under load while the new one migrates; then both do, and what one revokes the other refuses at once', async () => {
    const settings = {
      DATABASE_URL: database.url,
      SECRET_KEY: '0123456789abcdef'.repeat(4),
      ADMIN_PASSWORD: PASSWORD,
    };
    const old = ServerProcess.spawn(settings, '', oldRoot);
    await old.ready();
    const { token } = await old.client().session('admin@example.com', PASSWORD);
    const byOld = new WriteLoad(token, 'old');
    const writing = [byOld.run(old.client(), 4)];
    await until(() => byOld.acknowledged >= 50);
    const before = (await migrationsOf(database)).length;
    const current = await ServerProcess.start(settings);
    expect(await migrationsOf(database)).toEqual(migrations.map(({ name }) => name));
    expect(migrations.length).toBeGreaterThan(before);

    const byNew = new WriteLoad(token, 'new');
    writing.push(byNew.run(current.client(), 4));
    const revocations = [revokeAcross(old, current), revokeAcross(current, old)];
    const aim = byOld.acknowledged + 50;
    await until(() => byOld.acknowledged >= aim && byNew.acknowledged >= 50);
    await Promise.all(revocations);
    for (const load of [byOld, byNew]) load.stop();
    await Promise.all(writing);

    expect([byOld.undecided, byNew.undecided]).toEqual([0, 0]);
    await byOld.expectKept(current.client());
    await byNew.expectKept(old.client());
    const answered = byOld.acknowledged + byNew.acknowledged;
    seen('rolling upgrade', { from: OLD_VERSION, answered, refused: 0, revokedAcross: 2 * CYCLES });
    expect(await Promise.all([old.stop(), current.stop()])).toEqual([0, 0]);
  });
});

/** Opens sessions on one and revokes them there: the other accepts each before and refuses it after. */
async function revokeAcross(one: ServerProcess, other: ServerProcess): Promise<void> {
  const [here, there] = [one.client(), other.client()];
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const { id, token } = await here.session('admin@example.com', PASSWORD);
    expect(await there.statusOf(token)).toBe(200);
    expect((await here.call('DELETE', `/api/v2/sessions/${id}`, token)).status).toBe(204);
    expect(await there.statusOf(token)).toBe(401);
  }
}

async function migrationsOf({ url }: TestDatabase): Promise<string[]> {
  const rows = await ask<{ name: string }>(url, 'SELECT name FROM migrations ORDER BY id');
  return rows.map(({ name }) => name);
}

function isKnown(): boolean {
  try {
    execFileSync('git', ['-C', ROOT, 'cat-file', '-e', `${OLD_VERSION}^{commit}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
