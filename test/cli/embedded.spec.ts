import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runCommand } from '../support/command.js';
import { makeDataDir, postmasterOf, removeDataDir } from '../support/data-dir.js';
import { JSON_API } from '../support/latchkey.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';

describe('latchkey on the embedded database', () => {
  let dataDir: string;

  beforeAll(async () => {
    dataDir = await makeDataDir();
  });

  afterAll(async () => {
    await stopAllServers();
    await removeDataDir(dataDir);
  });

  it('works without a server, from nothing, and stops the database again', async () => {
    const password = 'correct horse battery';
    const args = ['users', 'create', '--email', 'first@example.com', '--rights', '*', '--password-stdin'];
    const { code, out, err } = await runCommand({ DATA_DIR: dataDir }, args, password);
    expect({ code, out, err }).toEqual({ code: 0, out: 'Created user 1, first@example.com\n', err: '' });
    expect(await postmasterOf(dataDir)).toBeNull();
  });

  it('works beside a server, which then knows what was done, and leaves it the database', async () => {
    const server = await ServerProcess.start({ DATA_DIR: dataDir });
    const mint = ['tokens', 'create', '--user', 'first@example.com', '--name', 'ci', '--json'];
    const { code, out } = await runCommand({ DATA_DIR: dataDir }, mint);
    expect(code).toBe(0);
    const { id, token } = JSON.parse(out);
    expect(await statusWith(server, token)).toBe(200);
    expect((await runCommand({ DATA_DIR: dataDir }, ['tokens', 'revoke', id])).code).toBe(0);
    expect(await statusWith(server, token)).toBe(401);
    expect(await server.stop()).toBe(0);
    expect(server.lines.join('\n')).not.toContain(token);
  });

  async function statusWith(server: ServerProcess, token: string): Promise<number> {
    const answer = await fetch(`${server.url}/api/v2/sessions`, {
      headers: { Accept: JSON_API, 'X-Auth-Token': token },
    });
    await answer.arrayBuffer();
    return answer.status;
  }
});
