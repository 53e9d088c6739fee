import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { addOrganization } from '../support/organizations.js';

const ORGANIZATIONS = '/api/v2/organizations';

let latchkey: Latchkey;
let member: SignedInPerson;
let stranger: SignedInPerson;
let reader: SignedInPerson;
let navy: string;
let army: string;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  member = await latchkey.asUser();
  stranger = await latchkey.asUser();
  reader = await latchkey.asUser({ rights: ['user.read'] });
  navy = (await addOrganization(latchkey, [member], { name: 'Navy', role: 'admin', metadata: { ships: 3 } }))
    .id;
  army = (await addOrganization(latchkey, [member, reader], { name: 'Army' })).id;
});
afterAll(() => latchkey.stop());

const namesAndRoles = ({ body }: { body: { data: { attributes: Record<string, unknown> }[] } }) =>
  body.data.map(({ attributes: { name, role } }) => [name, role]);

describe('GET /api/v2/organizations', () => {
  it("200: lists what the caller is a member of, newest first, with the caller's role", async () => {
    expect(namesAndRoles(await latchkey.get(ORGANIZATIONS, member.token).expect(200))).toEqual([
      ['Army', 'member'],
      ['Navy', 'admin'],
    ]);
  });

  it('200: counts only what the caller may see: nothing for who belongs to nothing', async () => {
    const { body } = await latchkey.get(ORGANIZATIONS, stranger.token).expect(200);
    expect(body).toMatchObject({ data: [], meta: { total_count: 0 } });
  });

  it('200: shows all to a holder of user.read, without a role where they have none', async () => {
    expect(namesAndRoles(await latchkey.get(ORGANIZATIONS, reader.token).expect(200))).toEqual([
      ['Army', 'member'],
      ['Navy', null],
    ]);
  });

  it('200: can be filtered and sorted by every attribute but the metadata', async () => {
    const query = 'filter[role]=admin&sort=slug,-updated_at';
    expect(namesAndRoles(await latchkey.get(`${ORGANIZATIONS}?${query}`, member.token).expect(200))).toEqual([
      ['Navy', 'admin'],
    ]);
    await latchkey.get(`${ORGANIZATIONS}?filter[metadata]=x`, member.token).expect(400);
    await latchkey.get(`${ORGANIZATIONS}?sort=metadata`, member.token).expect(400);
  });
});

describe('GET /api/v2/organizations/:id', () => {
  it('200: shows a member what administrators note of it', async () => {
    const { body } = await latchkey.get(`${ORGANIZATIONS}/${navy}`, member.token).expect(200);
    expect(body.data).toMatchObject({
      id: navy,
      type: 'organizations',
      attributes: { name: 'Navy', role: 'admin', metadata: { ships: 3 } },
    });
  });

  it('404: SECURITY 60: is to a stranger what does not exist', async () => {
    const answers = await Promise.all(
      [army, '987654321', 'army', '9'.repeat(30)].map((id) =>
        latchkey.get(`${ORGANIZATIONS}/${id}`, stranger.token),
      ),
    );
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]!.status).toBe(404);
  });
});
