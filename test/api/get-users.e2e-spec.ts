import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { NOT_FOUND } from '../support/refusals.js';

let latchkey: Latchkey;
let reader: SignedInPerson;
let plain: SignedInPerson;
let writer: SignedInPerson;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  reader = await latchkey.asUser({ rights: ['user.read'] });
  plain = await latchkey.asUser();
  writer = await latchkey.asUser({ rights: ['user.write'] });
});
afterAll(() => latchkey.stop());

describe('GET /users', () => {
  describe('200', () => {
    it('lists everybody, newest first, to a caller with user.read', async () => {
      const { body } = await latchkey.get('/api/v2/users', reader.token).expect(200);
      expect(body.data.map(({ id }: { id: string }) => id)).toEqual([writer.id, plain.id, reader.id]);
      expect(body.meta).toMatchObject({ total_count: 3 });
    });

    it.each([
      ['someone without rights', () => plain],
      ['someone who may only write', () => writer],
    ])('lists only themselves to %s, and counts only them', async (_, who) => {
      const { body } = await latchkey.get('/api/v2/users', who().token).expect(200);
      expect(body.data.map(({ id }: { id: string }) => id)).toEqual([who().id]);
      expect(body.meta).toMatchObject({ total_count: 1 });
    });

    it.each(['filter[id]=', 'filter[id][gt_eq]=', 'filter[id][not_eq]=4711,'])(
      'SECURITY 64: %s finds nobody else without the right',
      async (filter) => {
        const { body } = await latchkey.get(`/api/v2/users?${filter}${reader.id}`, plain.token);
        expect((body.data ?? []).filter(({ id }: { id: string }) => id !== plain.id)).toEqual([]);
        expect(body.meta?.total_count ?? 0).toBeLessThanOrEqual(1);
      },
    );

    it('pages, filters and sorts', async () => {
      const path = '/api/v2/users?sort=email&page[size]=1&page[number]=2&filter[email][contains]=example.com';
      const { body } = await latchkey.get(path, reader.token).expect(200);
      expect(body.data.map(({ id }: { id: string }) => id)).toEqual([plain.id]);
      expect(Object.keys(body.links)).toEqual(expect.arrayContaining(['first', 'prev', 'next', 'last']));
    });
  });

  describe('400', () => {
    it.each(['password', 'password_hash', 'email_key', 'rights', 'credentials_version'])(
      'SECURITY 100: %s is nothing to filter or sort by',
      async (name) => {
        await latchkey.get(`/api/v2/users?filter[${name}]=a`, reader.token).expect(400);
        await latchkey.get(`/api/v2/users?sort=${name}`, reader.token).expect(400);
      },
    );
  });
});

describe('GET /users/me', () => {
  it('200: shows the caller, with rights and all, and no password', async () => {
    const { body } = await latchkey.get('/api/v2/users/me', reader.token).expect(200);
    expect(body.data).toEqual({
      type: 'users',
      id: reader.id,
      attributes: {
        email: reader.email,
        first_name: null,
        last_name: null,
        avatar_url: null,
        phone_number: null,
        locale: null,
        time_zone: null,
        status: 'active',
        rights: ['user.read'],
        two_factor_auth: false,
        metadata: {},
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      },
    });
  });
});

describe('GET /users/:id', () => {
  it('200: shows anybody to a caller with user.read, and oneself to anybody', async () => {
    for (const caller of [reader, plain]) {
      const { body } = await latchkey.get(`/api/v2/users/${plain.id}`, caller.token).expect(200);
      expect(body.data).toMatchObject({ id: plain.id, attributes: { email: plain.email } });
    }
  });

  it('404: somebody else is not found, just like an unknown one', async () => {
    const foreign = await latchkey.get(`/api/v2/users/${reader.id}`, plain.token).expect(404);
    const unknown = await latchkey.get('/api/v2/users/987654321', plain.token).expect(404);
    expect(foreign.body).toEqual(NOT_FOUND);
    expect(unknown.text).toBe(foreign.text);
  });

  it.each(['0', '-1', '1e3', 'NaN', 'null', '9223372036854775808', '1%20', '%D9%A1', '__proto__', '1%00'])(
    'SECURITY 65: %s is no id, and nobody is found by it',
    async (id) => {
      const { status } = await latchkey.get(`/api/v2/users/${id}`, reader.token);
      expect([400, 404]).toContain(status);
    },
  );
});
