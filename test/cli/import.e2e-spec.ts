import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import bcrypt from 'bcrypt';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { besides, runCommand, startCommand, type Outcome } from '../support/command.js';
import { document, Latchkey, PASSWORD } from '../support/latchkey.js';

describe('latchkey users import', () => {
  let server: Latchkey;
  let directory: string;

  beforeAll(async () => {
    server = await Latchkey.start({ BCRYPT_COST: '6' });
  });

  afterAll(() => server.stop());

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'latchkey-test-'));
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  const environment = () => ({ ...besides(server), BCRYPT_COST: '6' });

  async function write(name: string, lines: readonly string[]): Promise<string> {
    const path = join(directory, name);
    await writeFile(path, lines.map((line) => `${line}\n`).join(''));
    return path;
  }

  const run = (path: string, ...args: string[]): Promise<Outcome> =>
    runCommand(environment(), ['users', 'import', path, '--json', ...args]);

  async function stored(email: string): Promise<Record<string, unknown>> {
    const [row] = await server.sql<Record<string, unknown>>('SELECT * FROM users WHERE email_key = $1', [
      email,
    ]);
    return row ?? {};
  }

  it.each(['$2a$', '$2b$', '$2y$'])(
    'takes over a password hash with the prefix %s: its user signs in, and it is renewed to the cost of today',
    async (prefix) => {
      const email = `bcrypt${prefix.slice(1, 3)}@example.com`;
      const hash = (await bcrypt.hash(PASSWORD, 4)).replace('$2b$', prefix);
      const path = await write('users.csv', ['email,password_hash', `${email},${hash}`]);
      expect(await run(path)).toMatchObject({ code: 0, err: '' });
      await server
        .post('/api/v2/sessions', null, document('sessions', { email, password: 'wrong' }))
        .expect(401);
      expect((await stored(email)).password_hash).toMatch(/^\$2b\$04\$/);
      await server.signIn({ email, password: PASSWORD });
      expect((await stored(email)).password_hash).toMatch(/^\$2b\$06\$/);
      await server.signIn({ email, password: PASSWORD });
    },
  );

  it('reads every attribute from CSV, with quotes, line breaks and a byte order mark', async () => {
    const path = await write('people.csv', [
      '\ufeffemail,first_name,last_name,locale,time_zone,phone_number,avatar_url',
      'Zoe\u0301@example.com,"Zo""e, the',
      'first",Z,de-AT,Europe/Vienna,+43 1,https://example.com/z.png',
    ]);
    expect(await run(path)).toMatchObject({ code: 0, err: '' });
    expect(await stored('zo\u00e9@example.com')).toMatchObject({
      email: 'Zo\u00e9@example.com',
      first_name: 'Zo"e, the\nfirst',
      last_name: 'Z',
      locale: 'de-AT',
      time_zone: 'Europe/Vienna',
      phone_number: '+43 1',
      avatar_url: 'https://example.com/z.png',
      password_hash: null,
      rights: [],
      status: 'active',
    });
  });

  it('leaves users that are there as they are, and counts them', async () => {
    const there = await server.addUser({ email: 'there@example.com' });
    const path = await write('users.ndjson', [
      '{"email":"THERE@example.com","first_name":"Other"}',
      '{"email":"twice@example.com","first_name":"First"}',
      '{"email":"Twice@example.com","first_name":"Second"}',
    ]);
    const { out } = await run(path);
    expect(JSON.parse(out)).toEqual({ added: 1, already_there: 2, refused: 0, report: null, complete: true });
    expect(await stored('there@example.com')).toMatchObject({ id: there.id, first_name: null });
    expect(await stored('twice@example.com')).toMatchObject({ first_name: 'First' });
  });

  it('reports refused lines by number and reason, never by what stands in them, and takes the others', async () => {
    const dear = await bcrypt.hash('x', 7);
    const path = await write('mixed.ndjson', [
      '{"email":"taken-over@example.com"}',
      '{"email":"no address"}',
      '',
      'no record',
      '{"email":"admin@example.org","rights":["*"]}',
      `{"email":"dear@example.org","password_hash":"${dear}"}`,
      `{"email":"md5@example.org","password_hash":"5f4dcc3b5aa765d61d8327deb882cf99"}`,
      `{"email":"many@example.org","first_name":"${'x'.repeat(101)}","locale":"??"}`,
      `{"email":"huge@example.org","note":"${'x'.repeat(70_000)}"}`,
      '{"email":"strange@example.org","shoe_size":43}',
    ]);
    const { code, out, err } = await run(path);
    expect({ code, err }).toEqual({ code: 1, err: `Lines refused: 8, see ${path}.refused.ndjson\n` });
    expect(JSON.parse(out)).toMatchObject({ added: 1, already_there: 0, refused: 8 });
    const report = await readFile(`${path}.refused.ndjson`, 'utf8');
    const told = report
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(told).toEqual([
      { line: 2, reasons: ['email is not valid'] },
      { line: 4, reasons: ['The line is no record'] },
      { line: 5, reasons: ['rights cannot be set'] },
      { line: 6, reasons: ['The cost of the password_hash is above BCRYPT_COST, 6'] },
      { line: 7, reasons: ['password_hash is not valid'] },
      { line: 8, reasons: ['first_name is too long', 'locale is not valid'] },
      { line: 9, reasons: ['The line is no record'] },
      { line: 10, reasons: ['An attribute is not known'] },
    ]);
    expect(report).not.toMatch(/example|\$2b\$/);
    expect(await server.sql('SELECT 1 FROM users WHERE email_key LIKE $1', ['%@example.org'])).toEqual([]);
  });

  it.each([
    [
      'a header with a column that is not known',
      'a.csv',
      'email,password',
      /^Column 2 of the header is not known/,
    ],
    [
      'a header with rights',
      'b.csv',
      'email,rights',
      /^Column 2 of the header is rights, which cannot be imported/,
    ],
    ['a file without a header, and does not repeat it', 'c.csv', 'eve@example.com,x', /^Column 1 (?!.*eve)/],
    ['an empty CSV file', 'd.csv', '', /^The file has no header line\n$/],
  ])('refuses %s', async (_what, name, line, sentence) => {
    const path = await write(name, [line, 'someone@example.com,x']).then((written) =>
      line === '' ? write(name, []) : written,
    );
    const { code, err } = await run(path);
    expect(code).toBe(1);
    expect(err).toMatch(sentence);
    expect(await readdir(directory)).toEqual([name]);
  });

  it.each([
    ['a file that is not there', 'missing.csv', 1, 'The file cannot be read: it is not there\n'],
    [
      'a name that tells no format',
      'users.txt',
      2,
      'The name of the file does not tell its format: use --format ndjson or --format csv\n',
    ],
  ])('says so about %s', async (_what, name, code, err) => {
    expect(await run(join(directory, name))).toMatchObject({ code, err });
  });

  it('goes on where a kill left it: every user is there once, in whole batches', async () => {
    const people = Array.from({ length: 20_000 }, (_, index) => `{"email":"bulk${index}@example.net"}`);
    const path = await write('bulk.ndjson', people);
    const { child, outcome } = await startCommand(environment(), ['users', 'import', path]);
    while ((await bulk()) === 0) await sleep(5);
    child.kill('SIGKILL');
    await outcome;
    const before = await bulk();
    expect(before % 1_000).toBe(0);
    expect(before).toBeLessThan(20_000);
    const { code, out } = await run(path);
    expect({ code, ...JSON.parse(out) }).toMatchObject({ code: 0, complete: true, refused: 0 });
    const { added, already_there } = JSON.parse(out);
    expect(added + already_there).toBe(20_000);
    expect(already_there).toBeGreaterThanOrEqual(before);
    expect(await bulk()).toBe(20_000);
  });

  it('stops between two batches on SIGTERM and says that it is not complete', async () => {
    const people = Array.from({ length: 40_000 }, (_, index) => `{"email":"term${index}@example.net"}`);
    const path = await write('term.ndjson', people);
    const { child, outcome } = await startCommand(environment(), ['users', 'import', path, '--json']);
    while ((await bulk('term%')) === 0) await sleep(5);
    child.kill('SIGTERM');
    const { code, out, err } = await outcome;
    expect(code).toBe(143);
    expect(JSON.parse(out)).toMatchObject({ complete: false, added: await bulk('term%') });
    expect(err).toMatch(/^Stopped before the end/);
  });

  async function bulk(pattern = 'bulk%'): Promise<number> {
    const [row] = await server.sql<{ count: string }>('SELECT count(*) FROM users WHERE email_key LIKE $1', [
      `${pattern}@example.net`,
    ]);
    return Number(row?.count);
  }
});
