// Speaks to a Latchkey through ember-data, as its apps do, and sends the test that forked it what became of it.
import { once } from 'node:events';
import process from 'node:process';
import { emberApp } from './ember-app.js';

const [host, email, password] = process.argv.slice(2);
const { store, headers } = emberApp(host);
const story = {};

const session = store.createRecord('session', { email, password });
await session.save();
story.created = { id: session.id, userId: session.userId, isNew: session.isNew };
headers['X-Auth-Token'] = session.token;

const page = await store.query('session', { include: 'user', page: { number: 1, size: 2 }, sort: '-id' });
story.page = {
  ids: page.map(({ id }) => id),
  users: page.map(({ user }) => user.email),
  total: page.meta.total_count,
  next: page.links.next,
};

const other = page.at(-1);
await other.destroyRecord();
story.gone = await statusOf(store.findRecord('session', other.id, { reload: true }));

const blank = store.createRecord('session', {});
await refused(blank);
story.blank = fieldsOf(blank);

const readAt = session.lastActivityAt;
process.send('read'); // the test lets time pass, in which the session moves on
await once(process, 'message');
session.name = 'kitchen';
await session.save();
story.renamed = { name: session.name, moved: session.lastActivityAt > readAt };

const me = await store.findRecord('user', String(session.userId), { reload: true });
me.email = 'nobody';
me.timeZone = 'Moon/Crater';
await refused(me);
story.wrongUser = fieldsOf(me);
me.rollbackAttributes();
me.firstName = 'Ada';
await me.save();
story.firstName = me.firstName;

await session.destroyRecord();
story.ended = await statusOf(store.findRecord('user', me.id, { reload: true }));

process.send(story);
process.disconnect();

async function statusOf(request) {
  try {
    await request;
    return null;
  } catch (error) {
    return error.errors[0].status;
  }
}

async function refused(record) {
  try {
    await record.save();
  } catch {
    return; // what it was refused for stands on the record
  }
  throw new Error('it was saved');
}

function fieldsOf(record) {
  return Object.fromEntries(record.errors.toArray().map(({ attribute, message }) => [attribute, message]));
}
