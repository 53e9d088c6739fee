import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { besides, runCommand, type Outcome } from '../support/command.js';
import { writtenEvents } from '../support/events.js';
import { document, Latchkey, PASSWORD } from '../support/latchkey.js';

const SESSIONS = '/api/v2/sessions';

/** What `--json` prints, as far as it is used here. */
interface Shown {
  readonly id: string;
  readonly email: string;
  readonly rights: string[];
  readonly status: string;
  readonly two_factor_auth: boolean;
  readonly password: string;
  readonly token: string;
}

describe('latchkey beside a running server', () => {
  let server: Latchkey;

  beforeAll(async () => {
    server = await Latchkey.start();
  });

  afterAll(() => server.stop());

  const run = (args: string[], input?: string): Promise<Outcome> => runCommand(besides(server), args, input);

  async function runJson(args: string[], input?: string): Promise<Shown[]> {
    const { code, out, err } = await run([...args, '--json'], input);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return out
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  }

  async function runOne(args: string[]): Promise<Shown> {
    const lines = await runJson(args);
    expect(lines).toHaveLength(1);
    return lines[0] as Shown;
  }

  function signIn(email: string, password: string) {
    return server.post(SESSIONS, null, document('sessions', { email, password }));
  }

  describe('users', () => {
    it('creates a user with the password of standard input, who then signs in', async () => {
      const { code, out, err } = await run(
        ['users', 'create', '--email', 'Ada@Example.com', '--first-name', 'Ada', '--password-stdin'],
        `${PASSWORD}\n`,
      );
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toMatch(/^Created user \d+, Ada@Example.com\n$/);
      await signIn('ada@example.com', PASSWORD).expect(201);
    });

    it('generates a password, prints it this once, and gives the rights that were named', async () => {
      const created = await runOne([
        ...[
          'users',
          'create',
          '--email',
          'root@example.com',
          '--generate',
          '--rights',
          'user.read,session.read',
        ],
      ]);
      expect(created).toMatchObject({ email: 'root@example.com', rights: ['user.read', 'session.read'] });
      await signIn('root@example.com', created.password).expect(201);
    });

    it.each([
      ['a taken address', ['--email', 'TAKEN@example.com'], PASSWORD, /^email belongs to a user already\n$/],
      ['what is no address', ['--email', 'nobody'], PASSWORD, /^email is not valid\n$/],
      ['a common password', ['--email', 'new@example.com'], 'password1', /^password is too common\n$/],
      ['no password at all', ['--email', 'new@example.com'], '', /^password can't be blank\n$/],
    ])('refuses %s in one sentence, with exit code 1', async (_what, args, password, sentence) => {
      await server.addUser({ email: 'taken@example.com' }).catch(() => undefined);
      const { code, out, err } = await run(['users', 'create', '--password-stdin', ...args], password);
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toMatch(sentence);
    });

    it.each([
      [
        'a password as an argument',
        ['users', 'create', '--email', 'a@example.com', '--password', 'hunter2hunter2'],
      ],
      ['no source for the password', ['users', 'create', '--email', 'a@example.com']],
      ['two sources for it', ['users', 'set-password', 'a@example.com', '--generate', '--password-stdin']],
      ['an unknown right', ['users', 'set-rights', 'a@example.com', '--rights', 'user.fly']],
      ['an unknown command', ['users', 'destroy']],
      ['a moment that is none', ['tokens', 'create', '--user', 'a', '--name', 'b', '--expires', 'tomorrow']],
      ['sessions of nobody in particular', ['sessions', 'revoke']],
    ])('refuses %s as wrong usage, with exit code 2', async (_what, args) => {
      const { code, out, err } = await run(args);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).not.toMatch(/hunter2|^ +at /m);
      expect(err).not.toBe('');
    });

    it('lists everybody, oldest first, and never a password hash', async () => {
      await server.addUser({ email: 'listed@example.com' });
      const users = await runJson(['users', 'list']);
      expect(users.map(({ email }) => email)).toContain('listed@example.com');
      expect(users.map(({ id }) => Number(id))).toEqual(
        users.map(({ id }) => Number(id)).sort((a, b) => a - b),
      );
      expect(JSON.stringify(users)).not.toMatch(/password|\$2b\$/);
    });

    it('shows no control character of a name on the terminal', async () => {
      const { id } = await server.addUser();
      await server.sql('UPDATE users SET first_name = $2 WHERE id = $1', [id, 'a\u001b[31m\u009b1m\nb']);
      for (const args of [[], ['--json']]) {
        expect((await run(['users', 'list', ...args])).out.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
      }
    });

    it('sets a password: browser sessions end at once, machine sessions stay', async () => {
      const person = await server.asUser();
      const machine = await machineToken(person.token);
      await run(['users', 'set-password', person.email, '--password-stdin'], 'another battery staple');
      await server.get(SESSIONS, person.token).expect(401);
      await server.get(SESSIONS, machine).expect(200);
      await signIn(person.email, PASSWORD).expect(401);
      await signIn(person.email, 'another battery staple').expect(201);
    });

    it('sets rights, which count from the next request on', async () => {
      const person = await server.asUser();
      const after = await runOne(['users', 'set-rights', person.email, '--rights', 'user.read']);
      expect(after).toMatchObject({ id: person.id, rights: ['user.read'] });
      await server.get(`/api/v2/users/${Number(person.id) - 1}`, person.token).expect(200);
      const none = await runOne(['users', 'set-rights', person.email, '--rights', 'none']);
      expect(none.rights).toEqual([]);
    });

    it('takes a second factor off, once', async () => {
      const person = await server.asUser();
      await server.enableTwoFactor(person);
      const after = await runOne(['users', 'reset-two-factor', person.email]);
      expect(after.two_factor_auth).toBe(false);
      const session = await signIn(person.email, PASSWORD).expect(201);
      await server.get(SESSIONS, session.body.data.attributes.token).expect(200);
      const again = await run(['users', 'reset-two-factor', person.email]);
      expect(again).toMatchObject({ code: 1, err: 'This user has no second factor\n' });
    });

    it('closes a user: nothing of theirs is accepted any more, machine tokens neither', async () => {
      const person = await server.asUser();
      const machine = await machineToken(person.token);
      const closed = await runOne(['users', 'close', person.email]);
      expect(closed.status).toBe('closed');
      for (const token of [person.token, machine]) await server.get(SESSIONS, token).expect(401);
      await signIn(person.email, PASSWORD).expect(401);
    });

    it('neither closes the last administrator nor takes their rights', async () => {
      const { email } = await server.addUser({ rights: ['*'] });
      for (const args of [
        ['close', email],
        ['set-rights', email, '--rights', 'none'],
      ]) {
        const { code, err } = await run(['users', ...args]);
        expect({ code, err }).toEqual({ code: 1, err: 'The last administrator cannot be taken away\n' });
      }
    });

    it('says that there is no such user', async () => {
      const { code, err } = await run(['users', 'close', 'nobody@example.com']);
      expect({ code, err }).toEqual({ code: 1, err: 'There is no user with this e-mail address\n' });
    });
  });

  describe('tokens', () => {
    it('creates a token that works until it is revoked, and is refused on the next request', async () => {
      const { email } = await server.addUser();
      const created = await runOne(['tokens', 'create', '--user', email, '--name', 'nightly']);
      expect(created).toMatchObject({
        name: 'nightly',
        machine: true,
        read_only: false,
        token_expires_at: null,
      });
      await server.get(SESSIONS, created.token).expect(200);
      expect((await writtenEvents(server)).at(-1)).toMatchObject({
        action: 'machine_token.create',
        sessionId: created.id,
        actorId: '0',
        ip: 'command line',
      });
      const listed = await runOne(['tokens', 'list', '--user', email]);
      expect(listed).toMatchObject({ id: created.id, name: 'nightly', token: null });
      await runJson(['tokens', 'revoke', created.id]);
      await server.get(SESSIONS, created.token).expect(401);
      const again = await run(['tokens', 'revoke', created.id]);
      expect(again).toMatchObject({ code: 1, err: 'There is no valid machine token with this id\n' });
    });

    it('creates a read-only token with an expiry', async () => {
      const { email } = await server.addUser();
      const options = ['--name', 'reports', '--read-only', '--expires', '2099-01-31T12:00:00+01:00'];
      const { out } = await run(['tokens', 'create', '--user', email, ...options]);
      expect(out).toContain('valid until 2099-01-31T11:00:00.000Z');
      const token = /^Token: (\S+)/m.exec(out)?.[1] ?? '';
      await server.get(SESSIONS, token).expect(200);
      await server.post(`${SESSIONS}/revoke`, token, document('sessions', {})).expect(403);
    });

    it.each([
      ['a blank name', ['--name', ' '], "name can't be blank\n"],
      [
        'an expiry that has passed',
        ['--name', 'a', '--expires', '2001-01-01'],
        'token_expires_at is not valid\n',
      ],
    ])('refuses %s', async (_what, args, sentence) => {
      const { email } = await server.addUser();
      const { code, err } = await run(['tokens', 'create', '--user', email, ...args]);
      expect({ code, err }).toEqual({ code: 1, err: sentence });
    });

    it('does not revoke a browser session', async () => {
      const { sessionId, token } = await server.asUser();
      expect((await run(['tokens', 'revoke', sessionId])).code).toBe(1);
      await server.get(SESSIONS, token).expect(200);
    });
  });

  describe('sessions', () => {
    it("ends a user's browser sessions, says how many, and with --machine the others too", async () => {
      const person = await server.asUser();
      const other = await server.asUser();
      const machine = await machineToken(person.token);
      await server.signIn(person);
      expect(await runJson(['sessions', 'revoke', '--user', person.email])).toEqual([{ revoked: 2 }]);
      await server.get(SESSIONS, person.token).expect(401);
      await server.get(SESSIONS, machine).expect(200);
      const { out } = await run(['sessions', 'revoke', '--user', person.email, '--machine']);
      expect(out).toBe('1 session is revoked\n');
      await server.get(SESSIONS, machine).expect(401);
      await server.get(SESSIONS, other.token).expect(200);
    });

    it('ends one session by its id, once', async () => {
      const person = await server.asUser();
      const other = await server.signIn(person);
      expect(await runJson(['sessions', 'revoke', '--id', person.sessionId])).toEqual([{ revoked: 1 }]);
      await server.get(SESSIONS, person.token).expect(401);
      await server.get(SESSIONS, other.token).expect(200);
      const again = await run(['sessions', 'revoke', '--id', person.sessionId]);
      expect(again).toMatchObject({ code: 1, err: 'There is no live session with this id\n' });
    });

    it("ends everybody's, after which none is listed, and no token was ever shown", async () => {
      const people = [await server.asUser(), await server.asUser()];
      const listed = await runJson(['sessions', 'list']);
      expect(listed.map(({ id }) => id)).toEqual(
        expect.arrayContaining(people.map(({ sessionId }) => sessionId)),
      );
      expect(listed.every(({ token }) => token === null)).toBe(true);
      await runJson(['sessions', 'revoke', '--all', '--machine']);
      for (const { token } of people) await server.get(SESSIONS, token).expect(401);
      expect(await runJson(['sessions', 'list'])).toEqual([]);
    });
  });

  it('SECURITY 171: with --audit, tells who did what on standard error, and no secret', async () => {
    const { email, id } = await server.addUser();
    const args = ['users', 'set-password', email, '--generate', '--audit'];
    const { out, err } = await run(args);
    const password = /^Password: (\S+)/m.exec(out)?.[1] ?? 'none';
    expect(JSON.parse(err)).toMatchObject({
      audit: true,
      action: 'user.new_credentials',
      userId: id,
      outcome: 'ok',
    });
    expect(err).not.toContain(password);
  });

  it.each([
    ['a database that is not there', { DATABASE_URL: 'postgres://postgres:geheim@127.0.0.1:5/nowhere' }],
    ['a configuration that is wrong', { SECRET_KEY: 'geheim' }],
  ])(
    'says in words that it met %s',
    async (_what, environment) => {
      const { code, out, err } = await runCommand({ ...besides(server), ...environment }, ['users', 'list']);
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).not.toMatch(/geheim|^ +at /m);
    },
    60_000,
  );

  describe('keys', () => {
    let second: Latchkey;

    beforeAll(async () => {
      second = await Latchkey.start({}, server);
    });

    // Last in the file: passport keeps one strategy a process, so sign-ins go to the newest instance.
    afterAll(() => second.stop());

    it('rotates: JWTs that are about stay valid; with --now none does, on any instance', async () => {
      const { token } = await server.asUser();
      const minted = await server.post(`${SESSIONS}/jwt`, token).expect(201);
      await runJson(['keys', 'rotate']);
      for (const each of [server, second]) await each.get(SESSIONS, minted.body.jwt).expect(200);
      await runJson(['keys', 'rotate', '--now']);
      for (const each of [server, second]) await each.get(SESSIONS, minted.body.jwt).expect(401);
      for (const each of [server, second]) await each.get(SESSIONS, token).expect(200);
      const written = await writtenEvents(server);
      const rotations = written.filter(({ action }) => action === 'keys.rotate');
      expect(rotations.map(({ actorId, ip }) => [actorId, ip])).toEqual(Array(2).fill(['0', 'command line']));
    });
  });

  async function machineToken(token: string): Promise<string> {
    const answer = await server
      .post(`${SESSIONS}/machine`, token, document('sessions', { name: 'robot' }))
      .expect(201);
    return answer.body.data.attributes.token as string;
  }
});
