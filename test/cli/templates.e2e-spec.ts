import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { besides, runCommand } from '../support/command.js';
import { Latchkey } from '../support/latchkey.js';

describe('latchkey templates', () => {
  let server: Latchkey;

  beforeAll(async () => {
    server = await Latchkey.start();
  });
  afterAll(() => server.stop());

  const run = (...args: string[]) => runCommand(besides(server), ['templates', ...args]);

  it('sets, shows, lists and removes a template, each with its audit line', async () => {
    const claims = '{"aud": "api", "email": "{{user.primary_email_address}}"}';
    expect(await run('set', 'api', '--claims', claims, '--lifetime', '120')).toEqual({
      code: 0,
      out: 'Template api is set; its tokens are good for 120 seconds\n',
      err: '',
    });
    const shown = await run('show', 'api', '--json');
    expect(JSON.parse(shown.out)).toEqual({
      name: 'api',
      claims: JSON.parse(claims),
      lifetime_seconds: 120,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
    expect((await run('list')).out).toBe('api  120 s  aud, email\n');
    const removed = await run('remove', 'api', '--audit');
    expect(removed).toMatchObject({ code: 0, out: 'Template api is removed\n' });
    expect(JSON.parse(removed.err)).toMatchObject({
      audit: true,
      action: 'jwt_template.remove',
      name: 'api',
      by: '0',
      ip: 'command line',
      outcome: 'ok',
    });
    expect(await run('show', 'api')).toEqual({
      code: 1,
      out: '',
      err: 'There is no JWT template of this name\n',
    });
  });

  it('reads the claims from a file', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'latchkey-template-'));
    const file = join(directory, 'claims.json');
    await writeFile(file, '{"roles": ["{{org.role}}"]}');
    expect(await run('set', 'roles', '--file', file)).toMatchObject({ code: 0, err: '' });
    expect((await run('show', 'roles')).out).toBe('{\n  "roles": [\n    "{{org.role}}"\n  ]\n}\n');
    await rm(directory, { recursive: true });
  });

  it.each([
    ['a reserved claim', 1, ['--claims', '{"sub": "user_1"}'], "The claim sub is Latchkey's own to set\n"],
    [
      'a file that is not there',
      1,
      ['--file', '/nowhere/claims.json'],
      'The file of the claims cannot be read\n',
    ],
    ['what is no JSON', 2, ['--claims', '{'], 'The claims are not valid JSON, or name one member twice\n'],
    ['no claims at all', 2, [], 'Give either --claims or --file\n'],
  ])('refuses %s in one sentence, with exit code %d', async (_what, code, args, err) => {
    expect(await run('set', 'bad', ...args)).toEqual({ code, out: '', err });
  });
});
