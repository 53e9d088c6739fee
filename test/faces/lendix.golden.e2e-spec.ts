import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toLendixId } from '../../src/faces/lendix/translate.js';
import {
  LIST_EXAMPLE,
  READ_EXAMPLE,
  SECURED_EXAMPLE,
  SIGN_IN_EXAMPLE,
} from '../../src/openapi/lendix.examples.js';
import { lendix } from '../support/apis.js';
import { Latchkey, PASSWORD } from '../support/latchkey.js';
import { mmdb } from '../support/mmdb.js';
import { addOrganization } from '../support/organizations.js';
import { startMailboxes, textedCode, type Mailboxes } from '../support/step-up.js';

const SECRET = 'intercom secret';
const PHONE = '+33600000000';

let directory: string;
let latchkey: Latchkey;
let boxes: Mailboxes;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'latchkey-lendix-'));
  const places = join(directory, 'places.mmdb');
  const place = (lat: number, lng: number) => ({
    city: { names: { en: 'Nanterre' } },
    country: { names: { en: 'France' } },
    location: { latitude: lat, longitude: lng },
  });
  const networks = { '203.0.113.0/24': place(48.8914, 2.2003), '198.51.100.0/24': place(48.892, 2.2067) };
  await writeFile(places, mmdb(networks));
  boxes = await startMailboxes();
  latchkey = await Latchkey.start({
    ...boxes.settings,
    GEOIP_DB: places,
    TRUST_PROXY: 'loopback',
    INTERCOM_SECRET: SECRET,
  });
});
afterAll(async () => {
  await latchkey?.stop();
  await boxes?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** The document's user: what the core keeps, and what administrators wrote of them. */
async function addDocumented(user: typeof SIGN_IN_EXAMPLE.session.user | typeof READ_EXAMPLE.session.user) {
  const person = await latchkey.addUser({ email: user.email });
  const [firstName, lastName] = user.name.split(' ');
  const { type, gender, taxResidency, settings } = user;
  const picture = 'picture' in user ? { picture: user.picture } : {};
  const figures = 'credit' in user ? { credit: user.credit, tax: user.tax, slug: user.slug } : {};
  const metadata = {
    ...{ type, gender, taxResidency, ...picture, ...figures },
    settings: { agreements: settings.agreements },
  };
  await latchkey.sql(
    `UPDATE users SET first_name = $2, last_name = $3, phone_number = $4, locale = 'fr-FR', rights = $5, metadata = $6
     WHERE id = $1`,
    [person.id, firstName, lastName, PHONE, user.rights, metadata],
  );
  return person;
}

/** `POST /sessions` with the document's agent, from one of its places (or from nowhere). */
function signIn(email: string, userAgent: string, from: string) {
  return lendix(latchkey, 'post', '/sessions', null, { email, password: PASSWORD, user: null })
    .set('User-Agent', userAgent)
    .set('X-Forwarded-For', from);
}

/** An answer as text, ids, dates, tokens and hashes by their form alone: the order of its members counts. */
function told(body: object): string {
  return JSON.stringify(body, (name, value: unknown) => {
    if (name === 'token') return 'token';
    if (typeof value === 'string' && ['id', 'lastAccessDate', 'creation', 'intercomHash'].includes(name)) {
      return value.replace(/[0-9a-f]/g, '0');
    }
    return value;
  });
}

describe('the examples of lendix.txt, member by member', () => {
  it('POST /sessions', async () => {
    const { session } = SIGN_IN_EXAMPLE;
    const { id } = await addDocumented(session.user);
    const { body } = await signIn(session.user.email, session.userAgent, '203.0.113.7').expect(200);
    expect(told(body)).toBe(told(SIGN_IN_EXAMPLE));
    expect(body.session.token).toMatch(/^[0-9a-f]{32}$/);
    expect(body.session.user.id).toBe(toLendixId(id));
    const hash = createHmac('sha256', SECRET).update(toLendixId(id)).digest('hex');
    expect(body.session.user.intercomHash).toBe(hash);
    expect(body.session.creation).toMatch(/\.000Z$/);
  });

  it('GET /sessions, GET /sessions/:sessionId, POST /sessions/:sessionId, DELETE /sessions/:sessionId', async () => {
    const { user, userAgent } = READ_EXAMPLE.session;
    const { id: userId } = await addDocumented(user);
    const [first, second] = LIST_EXAMPLE.sessions;
    await signIn(user.email, second!.userAgent, '198.51.100.7').expect(200);
    latchkey.clock.move(1_000);
    const opened = await signIn(user.email, first!.userAgent, '203.0.113.7').expect(200);
    const { id, token } = opened.body.session;
    const seat = { token, userId };

    const list = await lendix(latchkey, 'get', '/sessions', seat).expect(200);
    expect(told(list.body)).toBe(told(LIST_EXAMPLE));
    expect(list.body.sessions.map((session: { token: unknown }) => session.token)).toEqual([token, null]);

    await latchkey.sql('UPDATE sessions SET user_agent = $1 WHERE user_agent = $2', [
      userAgent,
      first!.userAgent,
    ]);
    const read = await lendix(latchkey, 'get', `/sessions/${id}`, seat).expect(200);
    expect(told(read.body)).toBe(told(READ_EXAMPLE));

    const third = await signIn(user.email, SECURED_EXAMPLE.session.userAgent, '192.0.2.1').expect(200);
    const securing = { token: third.body.session.token, userId };
    const path = `/sessions/${third.body.session.id}`;
    await latchkey.sql('UPDATE sessions SET latitude = NULL WHERE user_agent = $1', [
      SECURED_EXAMPLE.session.userAgent,
    ]);
    const sent = await lendix(latchkey, 'post', path, securing, { secured: true }).expect(200);
    expect(told(sent.body)).toBe(told({ session: { ...SECURED_EXAMPLE.session, secured: false } }));
    const code = textedCode(boxes, PHONE);
    const secured = await lendix(latchkey, 'post', path, securing, { code }).expect(200);
    expect(told(secured.body)).toBe(told(SECURED_EXAMPLE));

    const ended = await lendix(latchkey, 'delete', path, securing).expect(200);
    expect(ended.text).toBe('{}');
  });
});

describe('a user', () => {
  it('has the business of their metadata, else the organisation that the session acts for; only where it is documented', async () => {
    const person = await latchkey.asUser();
    const { id, name } = await addOrganization(latchkey, [person]);
    await latchkey.sql('UPDATE sessions SET organization_id = $2 WHERE id = $1', [person.sessionId, id]);
    const seat = { token: person.token, userId: person.id };
    const path = `/sessions/${toLendixId(person.sessionId)}`;
    const businessOf = async () =>
      (await lendix(latchkey, 'get', path, seat).expect(200)).body.session.user.business;
    expect(await businessOf()).toEqual({ id: toLendixId(id), name });
    await latchkey.sql('UPDATE users SET metadata = $2 WHERE id = $1', [
      person.id,
      { business: { siren: '1' } },
    ]);
    expect(await businessOf()).toEqual({ siren: '1' });
    const origin = { secured: true, codeOrigin: 'email' };
    const { body } = await lendix(latchkey, 'post', path, seat, origin).expect(200);
    expect(body.session.user).not.toHaveProperty('business');
  });

  it('has no more members than are known: nothing set is nothing sent, and what administrators wrote wrongly neither', async () => {
    const person = await latchkey.asAdmin();
    const seat = { token: person.token, userId: person.id };
    const path = `/sessions/${toLendixId(person.sessionId)}`;
    const wrong = { picture: 1, gender: [], credit: '0', settings: 'x', business: [], tax: {}, type: 'user' };
    for (const metadata of [{}, wrong, { settings: { agreements: [1, null] } }]) {
      await latchkey.sql('UPDATE users SET metadata = $2 WHERE id = $1', [person.id, metadata]);
      const { body } = await lendix(latchkey, 'get', path, seat).expect(200);
      expect(body.session.user).toEqual({
        id: toLendixId(person.id),
        name: person.email,
        isFinsquare: false,
        creation: expect.stringMatching(/\.000Z$/),
        email: person.email,
        type: 'admin',
        rights: ['*'],
        settings: { agreements: [] },
        intercomHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
    }
  });
});
