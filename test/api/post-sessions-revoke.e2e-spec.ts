import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { addSession } from '../support/fixture-session.js';
import { document, JSON_API, Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { READ_ONLY_SESSION } from '../support/refusals.js';

const PATH = '/api/v2/sessions';

describe('POST /api/v2/sessions/revoke', () => {
  let latchkey: Latchkey;
  let second: Latchkey;
  let stranger: SignedInPerson;
  let person: SignedInPerson;
  let tokens: Record<'phone' | 'laptop' | 'robot', string>;

  beforeAll(async () => {
    latchkey = await Latchkey.start();
    second = await Latchkey.start({}, latchkey);
    stranger = await latchkey.asUser();
  });
  beforeEach(async () => {
    person = await latchkey.asUser();
    const add = async (row: object) => (await addSession(latchkey, person.id, row)).token;
    const hourAgo = new Date(latchkey.clock.milliseconds() - 3_600_000);
    tokens = {
      phone: await add({ name: 'phone' }),
      laptop: await add({ name: 'laptop', createdAt: hourAgo, lastActivityAt: latchkey.clock.now() }),
      robot: await add({ name: 'robot', machine: true }),
    };
  });
  afterAll(async () => {
    await second?.stop();
    await latchkey?.stop();
  });

  const revoke = (query: string, token: string | null = person.token) =>
    latchkey.post(`${PATH}/revoke${query === '' ? '' : `?${query}`}`, token);
  const revoked = async (query: string, token = person.token) =>
    (await revoke(query, token).expect(200)).body.meta.revoked;
  const isLive = async (token: string, instance = latchkey) =>
    (await instance.get(`${PATH}/current`, token)).status === 200;
  const living = async () => {
    const names = [];
    for (const [name, token] of Object.entries(tokens)) if (await isLive(token)) names.push(name);
    return names;
  };

  describe('200', () => {
    it("ends all of one's other sessions, machine ones too, and counts them", async () => {
      const { body, headers } = await revoke('').expect(200);
      expect(body).toEqual({ meta: { revoked: 3 } });
      expect(headers['content-type']).toBe(JSON_API);
      for (const token of Object.values(tokens)) expect(await isLive(token)).toBe(false);
      for (const token of [person.token, stranger.token]) expect(await isLive(token)).toBe(true);
    });

    it('SECURITY 139: ends them on every instance, and the JWTs made from them', async () => {
      const { jwt } = (await latchkey.post(`${PATH}/jwt`, tokens.phone).expect(201)).body;
      expect(await isLive(jwt, second)).toBe(true);
      await revoked('');
      for (const token of [...Object.values(tokens), jwt]) expect(await isLive(token, second)).toBe(false);
    });

    it('counts nothing when there is nothing', async () => {
      expect(await revoked('')).toBe(3);
      expect(await revoked('')).toBe(0);
    });

    it('counts each session once, however many callers there are', async () => {
      const instances = Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? latchkey : second));
      const answers = await Promise.all(
        instances.map((instance) => instance.post(`${PATH}/revoke`, person.token).expect(200)),
      );
      expect(answers.reduce((total, { body }) => total + body.meta.revoked, 0)).toBe(3);
    });

    it.each([
      ['filter[name]=phone', 1, ['laptop', 'robot']],
      ['filter[name]=phone,laptop', 2, ['robot']],
      ['filter[name][not_eq]=phone', 2, ['phone']],
      ['filter[name][contains]=O', 3, []],
      ['filter[machine]=true', 1, ['phone', 'laptop']],
      ['filter[machine]=false', 2, ['robot']],
      ['filter[created_at][lt]=HALF_AN_HOUR_AGO', 1, ['phone', 'robot']],
      ['filter[machine]=true&filter[name]=phone', 0, ['phone', 'laptop', 'robot']],
      ['filter[$op]=or&filter[machine]=true&filter[name]=phone', 2, ['laptop']],
      ['filter[name]=nothing', 0, ['phone', 'laptop', 'robot']],
      ['filter[user_id]=OWN', 3, []],
      ['filter[user_id]=all', 3, []],
    ])('takes the filters of the list: %s', async (template, count, left) => {
      const halfAnHourAgo = new Date(latchkey.clock.milliseconds() - 1_800_000).toISOString();
      const query = template.replace('OWN', person.id).replace('HALF_AN_HOUR_AGO', halfAnHourAgo);
      expect(await revoked(query)).toBe(count);
      expect(await living()).toEqual(left);
      expect(await isLive(person.token)).toBe(true);
    });

    it('spares the session that asks, even when the filter names it', async () => {
      const { body } = await latchkey.get(PATH, person.token).expect(200);
      const own = body.data.find(({ id }: { id: string }) => id === person.sessionId);
      const createdAt = encodeURIComponent(own.attributes.last_activity_at);
      await revoked(`filter[created_at][gt_eq]=${createdAt}`);
      expect(await isLive(person.token)).toBe(true);
    });

    it("SECURITY 66: without the right, ends nobody else's", async () => {
      for (const query of [
        `filter[user_id]=${person.id}`,
        `filter[user_id]=${person.id},${stranger.id}`,
        'filter[user_id]=all&filter[name]=phone',
        `filter[user_id][not_eq]=${stranger.id}`,
        `filter[$op]=or&filter[0][user_id]=${person.id}&filter[1][name]=phone`,
        'filter[name]=phone',
      ]) {
        expect(await revoked(query, stranger.token)).toBe(0);
      }
      expect(await living()).toEqual(['phone', 'laptop', 'robot']);
      expect(await isLive(person.token)).toBe(true);
    });

    it('SECURITY 141: with session.delete, ends those of the user who is named, and of nobody else', async () => {
      const warden = await latchkey.asUser({ rights: ['session.delete'] });
      expect(await revoked(`filter[user_id]=${person.id}&filter[machine]=false`, warden.token)).toBe(3);
      expect(await living()).toEqual(['robot']);
      expect(await isLive(person.token)).toBe(false);
      for (const token of [warden.token, stranger.token]) expect(await isLive(token)).toBe(true);
    });

    it("with session.delete, and nobody named, ends one's own", async () => {
      const warden = await latchkey.asUser({ rights: ['session.delete'] });
      await latchkey.signIn(warden);
      expect(await revoked('', warden.token)).toBe(1);
      expect(await living()).toEqual(['phone', 'laptop', 'robot']);
    });

    it("with session.delete, and `all`, ends everyone's but the one that asks", async () => {
      const warden = await latchkey.asUser({ rights: ['*'] });
      expect(
        await revoked('filter[user_id]=all&filter[name]=phone,robot', warden.token),
      ).toBeGreaterThanOrEqual(2);
      expect(await living()).toEqual(['laptop']);
      for (const token of [warden.token, stranger.token]) expect(await isLive(token)).toBe(true);
    });

    it('session.read is no right to end anything', async () => {
      const auditor = await latchkey.asUser({ rights: ['session.read', 'session.write'] });
      expect(await revoked(`filter[user_id]=${person.id}`, auditor.token)).toBe(0);
      expect(await living()).toEqual(['phone', 'laptop', 'robot']);
    });
  });

  describe('400', () => {
    it.each([
      ['sort=name', 'sort'],
      ['page[size]=1', 'page[size]'],
      ['include=user', 'include'],
      ['fields[sessions]=name', 'fields[sessions]'],
      ['all=true', 'all'],
      ['filter[nonsense]=1', 'filter[nonsense]'],
      ['filter[machine]=maybe', 'filter[machine]'],
      ['filter[user_id]=', 'filter[user_id]'],
      ['filter[note]=a', 'filter[note]'],
      ['filter=name', 'filter'],
      ['filter[$op]=nor&filter[name]=phone', 'filter[$op]'],
    ])('refuses %s by name, and ends nothing', async (query, parameter) => {
      const { body } = await revoke(query).expect(400);
      expect(body.errors[0].source).toEqual({ parameter });
      expect(await living()).toEqual(['phone', 'laptop', 'robot']);
    });
  });

  describe('401', () => {
    it('asks for a credential', () => revoke('', null).expect(401));
  });

  describe('403', () => {
    it('SECURITY 79: ends nothing for a read-only session or a JWT', async () => {
      const { jwt } = (await latchkey.post(`${PATH}/jwt`, person.token).expect(201)).body;
      const sent = document('sessions', { name: 'reader', read_only: true });
      const reader = (await latchkey.post(`${PATH}/machine`, person.token, sent).expect(201)).body.data;
      for (const token of [jwt, reader.attributes.token]) {
        expect((await revoke('', token).expect(403)).body).toEqual(READ_ONLY_SESSION);
      }
      expect(await living()).toEqual(['phone', 'laptop', 'robot']);
    });
  });
});
