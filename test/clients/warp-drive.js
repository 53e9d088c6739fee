// Speaks to a Latchkey through WarpDrive's request builders, and sends the test that forked it what became of it.
import { register } from 'node:module';
import process from 'node:process';

register('./ember-loader.js', import.meta.url);

await import('@warp-drive/ember/install');
const { cacheKeyFor, useRecommendedStore } = await import('@warp-drive/core');
const { withDefaults } = await import('@warp-drive/core/reactive');
const { JSONAPICache } = await import('@warp-drive/json-api');
const builders = await import('@warp-drive/utilities/json-api');
const { serializePatch, serializeResources, setBuildURLConfig } = builders;

const [host, email, password] = process.argv.slice(2);
setBuildURLConfig({ host, namespace: 'api/v2' });

const resource = (type, ...names) =>
  withDefaults({ type, fields: names.map((name) => ({ kind: 'field', name })) });
const credential = {};
const Store = useRecommendedStore({
  cache: JSONAPICache,
  schemas: [
    resource('sessions', 'email', 'password', 'name', 'note', 'token', 'user_id', 'machine'),
    resource('users', 'email', 'first_name', 'status'),
  ],
  handlers: [
    {
      request({ request }, next) {
        const headers = new globalThis.Headers(request.headers);
        if (credential.token) headers.set('X-Auth-Token', credential.token);
        return next({ ...request, headers });
      },
    },
  ],
});
const store = new Store();
const story = {};

const session = store.createRecord('sessions', { email, password });
await store.request(withBody(builders.createRecord(session), serializeResources, session));
credential.token = session.token;
story.created = { id: session.id, user_id: session.user_id };

const first = await store.request(
  builders.query('sessions', { include: ['user'], 'page[size]': 2, 'fields[users]': 'email' }),
);
const { content: page } = first;
const next = await page.next();
story.pages = [page, next].map(({ data }) => data.map(({ id }) => id));
story.last = (await next.next()) === null;
story.user = store.peekRecord({ type: 'users', id: String(session.user_id) }).email;

session.name = 'kitchen';
await store.request(withBody(builders.updateRecord(session, { patch: true }), serializePatch, session));
story.renamed = (await store.request(builders.findRecord('sessions', session.id))).content.data.name;

const blank = store.createRecord('sessions', {});
const refusal = await store
  .request(withBody(builders.createRecord(blank), serializeResources, blank))
  .catch((error) => error);
story.blank = { status: refusal.status, details: store.cache.getErrors(cacheKeyFor(blank)).map(detailOf) };

store.deleteRecord(session);
await store.request(builders.deleteRecord(session));
story.ended = (await store.request(builders.query('sessions')).catch((error) => error)).status;

process.send(story);
process.disconnect();

function detailOf({ source, detail }) {
  return `${source.pointer} ${detail}`;
}

function withBody(request, serialize, record) {
  const body = JSON.stringify(serialize(store.cache, cacheKeyFor(record)));
  request.headers.set('Content-Type', 'application/vnd.api+json');
  return Object.assign(request, { body });
}
