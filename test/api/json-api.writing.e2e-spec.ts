import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { JsonApiStage, type StagedRoute } from '../support/json-api-stage.js';
import type { RawAnswer } from '../support/raw-client.js';
import { document, PASSWORD } from '../support/latchkey.js';

// The clauses are those of JSONAPI.md §2. The stage fails on any answer that is no JSON:API document of bare type.

let stage: JsonApiStage;
beforeAll(async () => void (stage = await JsonApiStage.set()));
afterAll(() => stage.stop());

const CREATIONS = [
  'POST /api/v2/sessions',
  'POST /api/v2/sessions/machine',
  'POST /api/v2/users',
  'POST /api/v2/users/:id/otp_enrollments',
];
const isCreation = ({ name }: StagedRoute) => CREATIONS.includes(name);
const takesDocument = ({ body }: StagedRoute) => body !== undefined;

/** The good document of a route, with something done to its data. */
const changed = (change: (data: Record<string, unknown>) => object) => (route: StagedRoute) => {
  const { data } = route.body as { data: Record<string, unknown> };
  return { body: JSON.stringify({ data: { ...data, ...change(data) } }) };
};
const allSay = (said: string, where: (route: StagedRoute) => boolean) =>
  stage.routes.filter(where).map(({ name }) => `${name}: ${said}`);
const saySource = ({ status, body }: RawAnswer) => `${status} ${JSON.stringify(body.errors?.[0].source)}`;

const current = () => `/api/v2/sessions/${stage.admin.sessionId}`;
const patch = (attributes: object, more: object = { id: stage.admin.sessionId }) =>
  stage.sendDocument('PATCH', current(), document('sessions', attributes, more));

describe('request documents', () => {
  it.each([
    ['at the top', { hello: 1, errors: [], included: [{ type: 'users' }], lid: 'x' }, {}, {}],
    ['in the resource', {}, { hello: 1, links: 5, status: 'x' }, {}],
    ['among the attributes', {}, {}, { hello: 1, 'a b': 2, nested: { password: 1 } }],
  ])('JSONAPI 26: members that nobody knows %s are ignored', async (_, top, data, attributes) => {
    const body = {
      ...top,
      ...document('sessions', { name: 'kept', ...attributes }, { id: stage.admin.sessionId, ...data }),
    };
    const { status, body: answer } = await stage.sendDocument('PATCH', current(), body);
    expect([status, answer.data.attributes.name]).toEqual([200, 'kept']);
    expect(answer.data.attributes).not.toHaveProperty('hello');
    const signIn = {
      ...top,
      ...document('sessions', { email: stage.other.email, password: PASSWORD, ...attributes }, data),
    };
    expect((await stage.sendDocument('POST', '/api/v2/sessions', signIn, null)).status).toBe(201);
  });

  it('JSONAPI 27: @-members are ignored everywhere', async () => {
    const body = {
      '@context': {},
      data: {
        '@type': 'x',
        type: 'sessions',
        id: stage.admin.sessionId,
        attributes: { '@machine': true, name: 'at' },
        relationships: { '@user': 5 },
      },
    };
    expect((await stage.sendDocument('PATCH', current(), body)).body.data.attributes.name).toBe('at');
  });

  it('JSONAPI 28: a new resource may come with a lid, and with id null', async () => {
    for (const more of [{ lid: 'local-1' }, { lid: 'local-1', id: null, relationships: {} }]) {
      const body = document('sessions', { email: stage.other.email, password: PASSWORD }, more);
      expect((await stage.sendDocument('POST', '/api/v2/sessions', body, null)).status).toBe(201);
    }
  });

  it.each([
    ['nothing', ''],
    ['null', 'null'],
    ['a list', '[]'],
    ['a string', '"x"'],
    ['a number', '5'],
    ['an empty object', '{}'],
    ['data null', '{"data":null}'],
    ['data a list', '{"data":[]}'],
    ['data a string', '{"data":"x"}'],
    ['no type', '{"data":{"attributes":{}}}'],
    ['a type that is a number', '{"data":{"type":5}}'],
    ['meta alone', '{"meta":{}}'],
  ])(
    'JSONAPI 15: %s as a document is a 400 on every route that takes one, and changes nothing',
    async (_, body) => {
      const before = await stage.rows();
      expect(await stage.askAll(() => ({ body }), takesDocument)).toEqual(allSay('400', takesDocument));
      expect(await stage.rows()).toEqual(before);
    },
  );

  it.each([
    ['attributes as a list', { attributes: [] }, 'data/attributes'],
    ['attributes as a string', { attributes: 'x' }, 'data/attributes'],
    ['attributes as null', { attributes: null }, 'data/attributes'],
    ['relationships as a list', { relationships: [] }, 'data/relationships'],
  ])('JSONAPI 19: %s are a 400 that points at them, on every route', async (_, data, pointer) => {
    const said = await stage.askAll(
      changed(() => data),
      takesDocument,
      saySource,
    );
    expect(said).toEqual(allSay(`400 {"pointer":"${pointer}"}`, takesDocument));
  });
});

describe('creating', () => {
  it('JSONAPI 45: a type that the collection does not hold is a 409, on every route that takes a document', async () => {
    const before = await stage.rows();
    for (const type of ['session', 'Sessions', 'things', '', '__proto__']) {
      const said = await stage.askAll(
        changed(() => ({ type })),
        takesDocument,
        saySource,
      );
      expect(said).toEqual(allSay('409 {"pointer":"data/type"}', takesDocument));
    }
    expect(await stage.rows()).toEqual(before);
  });

  it('JSONAPI 46: an id of the client is a 403 on every creation, and creates nothing', async () => {
    const before = await stage.rows();
    for (const id of ['7c2b1b5e-5a0f-4d1c-9c35-1f0a1a2b3c4d', '', '0', stage.admin.sessionId]) {
      const said = await stage.askAll(
        changed(() => ({ id })),
        isCreation,
        saySource,
      );
      expect(said).toEqual(allSay('403 {"pointer":"data/id"}', isCreation));
    }
    expect(await stage.rows()).toEqual(before);
  });

  it('JSONAPI 18: an id that is no string is a 400 on every creation', async () => {
    for (const id of [5, {}, [], true]) {
      const said = await stage.askAll(
        changed(() => ({ id })),
        isCreation,
        saySource,
      );
      expect(said).toEqual(allSay('400 {"pointer":"data/id"}', isCreation));
    }
  });

  it('JSONAPI 47, 48: 201 with the resource, and a Location from which the same one can be fetched', async () => {
    const said = await stage.askAll(
      () => ({}),
      (route) => isCreation(route) && !route.name.includes('otp'),
      ({ status, headers, body: { data } }) => {
        const path = headers.location?.replace(/^http:\/\/localhost:\d+/, '');
        return `${status} ${path === `/api/v2/${data.type}/${data.id}`}`;
      },
    );
    expect(said.map((line) => line.split(': ')[1])).toEqual(['201 true', '201 true', '201 true']);
    const { headers, body } = await stage.sendDocument(
      'POST',
      '/api/v2/users',
      document('users', { email: 'located@example.com', password: PASSWORD }),
    );
    const path = headers.location!.replace(/^http:\/\/localhost:\d+/, '');
    expect((await stage.send({ path })).body.data).toEqual(body.data);
  });
});

describe('changing', () => {
  it('JSONAPI 44: one wrong attribute, and none is changed', async () => {
    await patch({ name: 'before', note: null });
    const { status } = await patch({ name: 'after', note: 5, machine: true });
    expect(status).toBe(422);
    expect((await stage.send({ path: current() })).body.data.attributes.name).toBe('before');
    const user = `/api/v2/users/${stage.other.id}`;
    const wrong = document('users', { first_name: 'Ada', time_zone: 'Moon/Crater' }, { id: stage.other.id });
    expect((await stage.sendDocument('PATCH', user, wrong)).status).toBe(422);
    expect((await stage.send({ path: user })).body.data.attributes.first_name).toBeNull();
  });

  it('JSONAPI 49: what is absent keeps its value', async () => {
    await patch({ name: 'one', note: 'two' });
    const { body } = await patch({ note: 'three' });
    expect(body.data.attributes).toMatchObject({ name: 'one', note: 'three' });
    expect((await patch({})).body.data.attributes).toMatchObject({ name: 'one', note: 'three' });
  });

  it('JSONAPI 49: another id than the one in the URL is a 409, no id a 400, and an unknown one a 404', async () => {
    expect(saySource(await patch({ name: 'x' }, { id: '999' }))).toBe('409 {"pointer":"data/id"}');
    expect(saySource(await patch({ name: 'x' }, {}))).toBe('400 {"pointer":"data/id"}');
    const unknown = document('sessions', { name: 'x' }, { id: '999999' });
    expect((await stage.sendDocument('PATCH', '/api/v2/sessions/999999', unknown)).status).toBe(404);
  });
});

describe('deleting', () => {
  it.each([
    ['nothing else', {}],
    ['a Content-Type and no body', { headers: { 'Content-Type': 'application/vnd.api+json' } }],
    [
      'a body',
      {
        headers: { 'Content-Type': 'application/vnd.api+json' },
        body: JSON.stringify({ data: { type: 'sessions', id: '1' } }),
      },
    ],
  ])(
    'JSONAPI 50, 52: DELETE with %s is a 204 without a body or a type, and then a 404',
    async (_, request) => {
      const { sessionId } = await stage.latchkey.signIn(stage.admin);
      const path = `/api/v2/sessions/${sessionId}`;
      const { status, text, headers } = await stage.send({ method: 'DELETE', path, ...request });
      expect([status, text, headers['content-type']]).toEqual([204, '', undefined]);
      for (const method of ['GET', 'DELETE']) {
        expect((await stage.send({ method, path })).status).toBe(404);
      }
    },
  );
});
