import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Latchkey, type Credential, type Person } from '../support/latchkey.js';

/** How many milliseconds a session is moved on by a request at the earliest. */
const A_MINUTE_AND_MORE = 90_000;

describe('Ember', () => {
  let latchkey: Latchkey;
  let person: Person;
  let earlier: Credential[];

  beforeEach(async () => {
    latchkey = await Latchkey.start();
    person = await latchkey.addUser();
    earlier = [await latchkey.signIn(person), await latchkey.signIn(person)];
  });
  afterEach(() => latchkey.stop());

  /** Runs a script of this folder against the service: Jest's own module loader cannot load what it speaks through. */
  async function run(
    script: string,
    whenAsked: () => Promise<void> = () => Promise.resolve(),
  ): Promise<unknown> {
    const { url } = latchkey;
    // The libraries' builds for browsers, which need no app to be compiled into.
    const child = fork(join(import.meta.dirname, script), [url, person.email, person.password], {
      execArgv: ['--conditions=unpkg'],
    });
    const exit = once(child, 'exit');
    let story: unknown;
    child.on('message', (message) => {
      story = message;
      if (message === 'read') void whenAsked().then(() => child.send('go on'));
    });
    expect(await exit).toEqual([0, null]);
    return story;
  }

  it('ember-data creates a session by createRecord, pages, includes, saves a stale record whole, and destroys', async () => {
    const letTimePass = async () => {
      latchkey.clock.move(A_MINUTE_AND_MORE);
      const [session] = await latchkey.sql<{ id: string }>('SELECT max(id) AS id FROM sessions');
      await latchkey.sql('UPDATE sessions SET last_activity_at = $1, expires_at = $2 WHERE id = $3', [
        latchkey.clock.now(),
        new Date(latchkey.clock.milliseconds() + 14 * 86_400_000),
        session!.id,
      ]);
    };
    const story = await run('ember-data.js', letTimePass);
    const id = String(Number(earlier[1]!.sessionId) + 1);
    expect(story).toEqual({
      created: { id, userId: Number(person.id), isNew: false },
      page: {
        ids: [id, earlier[1]!.sessionId],
        users: [person.email, person.email],
        total: 3,
        next: expect.stringContaining('page%5Bnumber%5D=2&page%5Bsize%5D=2'),
      },
      gone: '404',
      blank: { email: "can't be blank", password: "can't be blank" },
      renamed: { name: 'kitchen', moved: true },
      wrongUser: { email: 'attribute is invalid', timeZone: 'attribute is invalid' },
      firstName: 'Ada',
      ended: '401',
    });
  });

  it('WarpDrive sends id null, a lid and empty relationships, follows links, and reads what was refused', async () => {
    const story = await run('warp-drive.js');
    const [first, second] = earlier.map(({ sessionId }) => sessionId);
    const id = String(Number(second) + 1);
    expect(story).toEqual({
      created: { id, user_id: Number(person.id) },
      pages: [[id, second], [first]],
      last: true,
      user: person.email,
      renamed: 'kitchen',
      blank: {
        status: 422,
        details: ["data/attributes/email can't be blank", "data/attributes/password can't be blank"],
      },
      ended: 401,
    });
  });
});
