import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OPERATIONS } from '../src/openapi/document.js';
import { FirstAdministrator } from '../src/users/first-administrator.js';
import { Latchkey } from './support/latchkey.js';
import { addOrganization } from './support/organizations.js';
import { masked, README_URL, stopsOf, take, withAnswers } from './support/readme-tour.js';

const PATH = join(import.meta.dirname, '../README.md');
const readme = readFileSync(PATH, 'utf8');
const stops = stopsOf(readme);

/** The tour is for people with bash and curl; Latchkey itself needs neither. */
const canWalk = ['bash', 'curl'].every((tool) => spawnSync(tool, ['--version']).status === 0);
const withTools = canWalk ? describe : describe.skip;

describe('README', () => {
  it('shows every route of the native API on its tour', () => {
    const tour = stops.map(({ commands }) => commands).join('\n');
    const missing = Object.keys(OPERATIONS).filter((name) => !calls(tour, name));
    expect(missing).toEqual([]);
  });

  it('links only to files that are there', () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => link);
    expect(links.length).toBeGreaterThan(0);
    for (const link of links) expect(() => readFileSync(join(PATH, '..', link))).not.toThrow();
  });
});

withTools('README’s tour', () => {
  let latchkey: Latchkey;
  let answers: string[];

  beforeAll(async () => {
    latchkey = await Latchkey.start({ PUBLIC_URL: README_URL });
    const password = /ADMIN_PASSWORD='([^']+)' npm start/.exec(readme)?.[1];
    await latchkey.app.get(FirstAdministrator, { strict: false }).ensure(undefined, password);
    const { id } = await addOrganization(latchkey, [{ id: '1' }], { slug: 'pacific-fleet', role: 'admin' });
    expect(id).toBe('1'); // as README has it made on the command line
    answers = await take(stops, latchkey.url);
    if (process.env.UPDATE_README) writeFileSync(PATH, withAnswers(readme, answers));
  });
  afterAll(() => latchkey?.stop());

  it.each(stops.map(({ commands, answer }, index) => [firstLine(commands), index, answer] as const))(
    'prints what README says: %s',
    (_, index, answer) => {
      expect(masked(answers[index] ?? 'nothing')).toEqual(masked(answer));
    },
  );
});

function firstLine(commands: string): string {
  return commands.split('\n', 1)[0]!;
}

/** Whether a curl line of the tour calls an operation, by its method and the shape of its path. */
function calls(tour: string, name: string): boolean {
  const [method = '', path = ''] = name.split(' ');
  const shape = path
    .replace('/api/v2', '$API')
    .replace(/^\/(?!\$)/, '$URL/')
    .replace(/[.$]/g, '\\$&')
    .replace(/\{id\}/g, '\\$\\w+');
  const address = new RegExp(`"${shape}(?:\\?[^"]*)?"`);
  return tour
    .replaceAll('\\\n', ' ')
    .split('\n')
    .some((line) => line.startsWith('curl') && address.test(line) && methodOf(line) === method);
}

function methodOf(line: string): string {
  return /-X (\w+)/.exec(line)?.[1] ?? (/ -d /.test(line) ? 'POST' : 'GET');
}
