import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Latchkey, type Person } from '../support/latchkey.js';
import { devour } from './devour.js';
import { jsona } from './jsona.js';
import { kitsu } from './kitsu.js';
import { orbit } from './orbit.js';
import type { SessionClient } from './session-client.js';

describe.each([
  ['kitsu', kitsu],
  ['devour-client', devour],
  ['@orbit/jsonapi', orbit],
  ['jsona', jsona],
])('%s', (_, clientOf) => {
  let latchkey: Latchkey;
  let client: SessionClient;
  let person: Person;
  let earlier: string[];
  let current: string;

  beforeAll(async () => {
    latchkey = await Latchkey.start();
    client = clientOf(latchkey.url);
    person = await latchkey.addUser();
    earlier = [await latchkey.signIn(person), await latchkey.signIn(person)].map(
      ({ sessionId }) => sessionId,
    );
  });
  afterAll(() => latchkey.stop());

  it('creates a session and uses its token', async () => {
    const { email, password } = person;
    const { id, token } = await client.create({ email, password });
    client.use(token);
    current = id;
    expect((await latchkey.get('/api/v2/sessions/current', token)).body.data.id).toBe(id);
  });

  it('pages, with the user included', async () => {
    const [first, second] = earlier;
    const { email } = person;
    expect(await client.page(1, 2)).toEqual({ ids: [current, second], emails: [email, email], total: 3 });
    expect(await client.page(2, 2)).toEqual({ ids: [first], emails: [email], total: 3 });
  });

  it('finds a refusal on the fields that it is about', async () => {
    const refusal: unknown = await client
      .create({ email: '', password: '' })
      .catch((error: unknown) => error);
    expect(client.fieldsOf(refusal)).toEqual({ email: "can't be blank", password: "can't be blank" });
  });

  it('renames a session', async () => {
    expect(await client.rename(current, 'kitchen')).toBe('kitchen');
  });

  it('destroys sessions, its own last', async () => {
    await client.destroy(earlier[0]!);
    expect(await client.page(1, 30)).toMatchObject({ ids: [current, earlier[1]] });
    await client.destroy(current);
    await expect(client.page(1, 30)).rejects.toBeDefined();
  });
});
