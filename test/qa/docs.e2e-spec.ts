import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FIXTURES } from '../../src/qa/fixtures.service.js';
import { Latchkey } from '../support/latchkey.js';

describe('docs/testing.md', () => {
  let latchkey: Latchkey;
  let page: string;

  beforeAll(async () => {
    latchkey = await Latchkey.start({ QA_MODE: 'true' });
    page = await readFile(join(import.meta.dirname, '../../docs/testing.md'), 'utf8');
  });
  afterAll(() => latchkey.stop());

  it('shows an example of ten lines that passes as it stands', async () => {
    const [, example = ''] = /<!-- example -->\n+```js\n([\s\S]*?)```/.exec(page) ?? [];
    expect(example.trim().split('\n')).toHaveLength(10);
    const directory = await mkdtemp(join(tmpdir(), 'latchkey-example-'));
    try {
      const path = join(directory, 'fortnight.test.mjs');
      await writeFile(path, example);
      const env = { PATH: process.env.PATH, LATCHKEY_URL: latchkey.url };
      const child = spawn(process.execPath, ['--test', path], { env });
      let said = '';
      child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const [code] = (await once(child, 'close')) as [number | null];
      expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining('pass 1') });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('names every state that somebody can be made in', () => {
    const table =
      /<!-- fixtures -->\n([\s\S]*?)\n\n/.exec(page.replace(/(<!-- fixtures -->\n)\n/, '$1'))?.[1] ?? '';
    const rows = [...table.matchAll(/^\| `(\w+)` +\| (.*?) +\|$/gm)].map(([, name, who]) => [name, who]);
    expect(rows).toEqual(Object.entries(FIXTURES));
  });
});
