import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { besides, runCommand, type Outcome } from '../support/command.js';
import type { Organization } from '../../src/users/organization.entity.js';
import { document, Latchkey, type Credential, type SignedInPerson } from '../support/latchkey.js';
import { addOrganization } from '../support/organizations.js';

describe('latchkey organizations', () => {
  let server: Latchkey;
  let first: Organization;

  beforeAll(async () => {
    server = await Latchkey.start();
    first = await addOrganization(server);
  });
  afterAll(() => server.stop());

  const run = (...args: string[]): Promise<Outcome> => runCommand(besides(server), args);
  const organizations = (...args: string[]) => run('organizations', ...args);

  async function shown(...args: string[]): Promise<Record<string, unknown>[]> {
    const { code, out, err } = await organizations(...args, '--json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  it('creates an organisation, changes it and shows it with the others', async () => {
    const created = await organizations('create', 'navy', '--name', 'Navy', '--metadata', '{"ships": 3}');
    expect(created).toMatchObject({ code: 0, err: '' });
    expect(created.out).toMatch(/^Created organisation \d+, navy\n$/);
    const [changed] = await shown('update', 'navy', '--slug', 'us-navy');
    expect(changed).toMatchObject({ slug: 'us-navy', name: 'Navy', metadata: { ships: 3 } });
    expect((await organizations('list')).out).toMatch(/us-navy +Navy/);
  });

  it('lets users in under a role, shows who belongs, and takes them out: then no session acts for it', async () => {
    const { id, slug } = await addOrganization(server);
    const person = await server.asUser();
    await shown('add-member', slug, person.email);
    await shown('add-member', slug, person.email.toUpperCase(), '--role', 'admin');
    expect(await shown('members', slug)).toMatchObject([{ email: person.email, role: 'admin' }]);
    await actFor(person, id);

    await shown('remove-member', slug, person.email);
    expect(await stateOf(person)).toEqual({ organization_id: null, version: 3 });
    expect(await organizations('members', slug)).toMatchObject({ code: 0, err: '' });
  });

  it('deletes an organisation with its memberships, and the sessions that acted for it act for none', async () => {
    const person = await server.asUser();
    const { id, slug } = await addOrganization(server, [person]);
    await actFor(person, id);
    await shown('delete', slug);
    expect(await stateOf(person)).toEqual({ organization_id: null, version: 3 });
    await server.get(`/api/v2/organizations/${id}`, person.token).expect(404);
  });

  it.each([
    [
      'a slug that is taken',
      ['create', 'first', '--name', 'x'],
      1,
      /^slug belongs to an organisation already\n$/,
    ],
    ['a slug of other characters', ['create', 'A b', '--name', 'x'], 1, /^slug is not valid\n$/],
    ['a slug that could be an id', ['create', '7', '--name', 'x'], 1, /^slug is not valid\n$/],
    [
      'a role of other characters',
      ['add-member', 'first', 'a@example.com', '--role', 'The Boss'],
      1,
      /^role /,
    ],
    ['an unknown organisation', ['members', 'nowhere'], 1, /^There is no organisation with this slug\n$/],
    ['metadata that is no object', ['create', 'x', '--name', 'x', '--metadata', '[]'], 1, /^metadata is not/],
    ['metadata that is no JSON', ['create', 'x', '--name', 'x', '--metadata', '{'], 2, /no JSON/],
  ])('refuses %s in one sentence', async (_what, args, code, sentence) => {
    const refused = await organizations(...args.map((arg) => (arg === 'first' ? first.slug : arg)));
    expect(refused).toMatchObject({ code, out: '' });
    expect(refused.err).toMatch(sentence);
  });

  it('notes of a user what administrators want noted', async () => {
    const person = await server.asUser();
    const noted = await run('users', 'set-metadata', person.email, '--metadata', '{"type": "pilot"}');
    expect(noted).toEqual({ code: 0, out: `Of ${person.email} is noted: type\n`, err: '' });
    const { body } = await server.get('/api/v2/users/me', person.token).expect(200);
    expect(body.data.attributes.metadata).toEqual({ type: 'pilot' });
    const refused = await run('users', 'set-metadata', person.email, '--metadata', '"x"');
    expect(refused).toMatchObject({ code: 1, err: 'metadata is not valid\n' });
  });

  async function actFor({ sessionId, token }: SignedInPerson, organizationId: string): Promise<void> {
    const acting = document('sessions', { organization_id: organizationId }, { id: sessionId });
    await server.patch(`/api/v2/sessions/${sessionId}`, token, acting).expect(200);
    expect(await stateOf({ sessionId, token })).toEqual({
      organization_id: Number(organizationId),
      version: 2,
    });
  }

  async function stateOf({ sessionId, token }: Credential): Promise<object> {
    const path = `/api/v2/sessions/${sessionId}?fields[sessions]=organization_id,version`;
    return (await server.get(path, token).expect(200)).body.data.attributes;
  }
});
