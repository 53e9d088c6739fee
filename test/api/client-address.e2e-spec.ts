import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { activityByHand } from '../support/activity.js';
import { document, Latchkey, type Person } from '../support/latchkey.js';
import { mmdb } from '../support/mmdb.js';

const PATH = '/api/v2/sessions';
const WHERE = '?fields[sessions]=last_ip,location';
/** Reserved for documentation (RFC 5737). */
const VIENNA = '203.0.113.9';
const AUSTRIA = '198.51.100.7';
const NOWHERE = '192.0.2.1';

describe('where a session was used from', () => {
  let directory: string;
  let behindProxy: Latchkey;
  let person: Person;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'latchkey-places-'));
    const places = join(directory, 'places.mmdb');
    const country = { names: { en: 'Austria' } };
    await writeFile(
      places,
      mmdb({
        '203.0.113.0/24': { city: { names: { en: 'Vienna', de: 'Wien' } }, country },
        '198.51.100.0/25': { country },
      }),
    );
    behindProxy = await Latchkey.start({ TRUST_PROXY: '127.0.0.1/8, 10.0.0.0/8', GEOIP_DB: places });
    person = await behindProxy.addUser();
  });
  afterAll(async () => {
    await behindProxy?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const signInFrom = (headers: Record<string, string>) => originOf(behindProxy, person, headers);

  it.each([
    [VIENNA, VIENNA, 'Vienna, Austria'],
    [AUSTRIA, AUSTRIA, 'Austria'],
    [NOWHERE, NOWHERE, ''],
    [`6.6.6.6, ${VIENNA}`, VIENNA, 'Vienna, Austria'],
    [`${NOWHERE}, ${VIENNA}, 10.1.2.3`, VIENNA, 'Vienna, Austria'],
    [`${VIENNA}, 10.1.2.3, 6.6.6.6, 127.0.0.1`, '6.6.6.6', ''],
    ['2001:db8::1', '2001:db8::1', ''],
  ])('SECURITY 122: behind a trusted proxy "%s" comes from %s', async (forwarded, last_ip, location) => {
    expect(await signInFrom({ 'X-Forwarded-For': forwarded })).toEqual({ last_ip, location });
  });

  it('SECURITY 122: is the proxy itself when it forwards for nobody', async () => {
    expect(await signInFrom({})).toEqual({ last_ip: '127.0.0.1', location: '' });
  });

  it.each(['unknown', '_hidden', '<script>', 'x'.repeat(50), '999.1.1.1', '2130706433'])(
    'is the proxy itself when it forwards for what is no address: %s',
    async (forwarded) => {
      const { location, last_ip } = await signInFrom({ 'X-Forwarded-For': forwarded });
      expect({ location, last_ip }).toEqual({ location: '', last_ip: '127.0.0.1' });
    },
  );

  it('follows a session as it travels, at most once a minute', async () => {
    const writeActivity = activityByHand(behindProxy);
    behindProxy.clock.freeze();
    const { sessionId, token } = await behindProxy.signIn(person);
    const useFrom = (ip: string) =>
      behindProxy.get(`${PATH}/current`, token).set('X-Forwarded-For', ip).expect(200);
    const shown = async () => {
      await writeActivity();
      const { body } = await behindProxy.get(`${PATH}/${sessionId}${WHERE}`, token).expect(200);
      return body.data.attributes;
    };
    await useFrom(VIENNA);
    expect(await shown()).toEqual({ last_ip: '127.0.0.1', location: '' });
    behindProxy.clock.move(60_000);
    const { body } = await useFrom(VIENNA);
    expect(body.data.attributes).toMatchObject({ last_ip: VIENNA, location: 'Vienna, Austria' });
    expect(await shown()).toEqual({ last_ip: VIENNA, location: 'Vienna, Austria' });
  });
});

describe('without a proxy, what a session was used with and from', () => {
  let latchkey: Latchkey;
  let person: Person;

  beforeAll(async () => {
    latchkey = await Latchkey.start();
    person = await latchkey.addUser();
  });
  afterAll(() => latchkey?.stop());

  it.each([
    'X-Forwarded-For',
    'X-Real-IP',
    'X-Client-IP',
    'Client-IP',
    'True-Client-IP',
    'CF-Connecting-IP',
    'Forwarded',
  ])('SECURITY 122: believes nobody who is no trusted proxy: %s', async (name) => {
    const value = name === 'Forwarded' ? `for=${VIENNA}` : VIENNA;
    expect(await originOf(latchkey, person, { [name]: value })).toEqual({
      last_ip: '127.0.0.1',
      location: null,
    });
  });

  it.each([
    ['Mozilla/5.0', null, null, 'Mozilla'],
    ['curl/8.5.0', null, null, 'curl'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0', 'desktop', 'Linux', 'Firefox'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1',
      'iPhone',
      'iOS',
      'Safari',
    ],
    ['(', null, null, null],
  ])('%s', async (userAgent, device, platform, browser) => {
    const { email, password } = person;
    const sent = document('sessions', { email, password });
    const { body } = await latchkey.post(PATH, null, sent).set('User-Agent', userAgent).expect(201);
    expect(body.data.attributes).toMatchObject({ device, platform, browser });
  });

  it('SECURITY 166: keeps a thousand characters of it at most, and no control characters', async () => {
    const { email, password } = person;
    const path = `${PATH}?fields[sessions]=user_agent,browser`;
    const post = (userAgent: string) =>
      latchkey.post(path, null, document('sessions', { email, password })).set('User-Agent', userAgent);
    const long = await post(`x/${'1'.repeat(10_000)}`).expect(201);
    expect(long.body.data.attributes.user_agent).toHaveLength(1_000);
    const odd = await post('é\tx').expect(201);
    expect(odd.body.data.attributes.user_agent).toMatch(/^\?+x$/);
  });
});

/** What a session remembers of the request that opened it. */
async function originOf(latchkey: Latchkey, person: Person, headers: Record<string, string>) {
  const { email, password } = person;
  const sent = document('sessions', { email, password });
  const { body } = await latchkey
    .post(PATH + WHERE, null, sent)
    .set(headers)
    .expect(201);
  return body.data.attributes as { last_ip: string; location: string | null };
}
