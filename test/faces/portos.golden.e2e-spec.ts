import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { document, Latchkey } from '../support/latchkey.js';
import { PortosClient } from '../support/portos.js';

/** The examples of portos.txt. */
const LISTED = {
  items: [
    {
      sessionId: 'soZIt6uj62fzs8ep4UvnNSxRXFryUiq3',
      identity: {
        userName: '999',
        deviceName: 'P01',
        envName: 'CashRegister',
        authenticationType: 'Bearer',
      },
      startedAt: '2023-08-04T11:19:38.015Z',
      expiresAt: '2023-08-04T23:19:38.015Z',
      lastAccessAt: '2023-08-04T11:19:39.98Z',
      _v: 2,
    },
    {
      sessionId: 'Hq6563mjODIOwNa87Cgi295uNPlKeOqA',
      identity: {
        userName: '999',
        deviceName: 'BackOffice',
        envName: 'BackOffice',
        authenticationType: 'Bearer',
      },
      startedAt: '2023-08-04T21:21:07.66Z',
      expiresAt: '2023-08-05T09:21:07.66Z',
      lastAccessAt: '2023-08-04T21:21:11.578Z',
      _v: 4,
    },
  ],
  count: 2,
  totalCount: 2,
};
const READ = { ...LISTED.items[1]!, _v: 7 };
const DELETED = READ;

let latchkey: Latchkey;
let portos: PortosClient;
let email: string;
/** The tokens of the two sessions of the example. */
let tokens: string[];

beforeAll(async () => {
  latchkey = await Latchkey.start();
  portos = new PortosClient(latchkey);
  ({ email } = await latchkey.addUser());
  tokens = [];
  for (const { identity, startedAt } of LISTED.items) {
    const { deviceName, envName } = identity;
    latchkey.clock.freeze(new Date(startedAt));
    tokens.push((await portos.signIn({ email }, { DeviceName: deviceName, EnvName: envName })).tokenId);
  }
  for (const [index, { lastAccessAt, _v }] of LISTED.items.entries()) {
    await rename(tokens[index]!, _v - 1);
    await latchkey.sql('UPDATE sessions SET last_activity_at = $1 WHERE device_name = $2', [
      lastAccessAt,
      LISTED.items[index]!.identity.deviceName,
    ]);
  }
});
afterAll(() => latchkey.stop());

/** Changes a session so many times. */
async function rename(token: string, times: number): Promise<void> {
  const { body } = await latchkey.get('/api/v2/sessions/current', token).expect(200);
  const { id } = body.data;
  for (let time = 0; time < times; time++) {
    const named = document('sessions', { note: `${time}` }, { id });
    await latchkey.patch(`/api/v2/sessions/${id}`, token, named).expect(200);
  }
}

/** An answer with the names and ids of the document in the place of ours: the rest is the document's, to the letter. */
function inItsWords(text: string, ids: readonly string[]): string {
  let told = text.replaceAll(email, '999');
  for (const [index, id] of ids.entries()) told = told.replaceAll(id, LISTED.items[index]!.sessionId);
  return told;
}

describe('the examples of portos.txt', () => {
  it('Get sessions, then Get session, then Delete session', async () => {
    const [, token] = tokens as [string, string];
    const ids = await portos.idsOf('/sessions', token);
    for (const id of ids) expect(id).toMatch(/^[0-9A-Za-z]{32}$/);
    const path = `/sessions/${ids[1]}`;

    const listed = await portos.get('/sessions', token).expect(200);
    expect(inItsWords(listed.text, ids)).toBe(JSON.stringify(LISTED));

    await rename(token, 3);
    const read = await portos.get(path, token).expect(200);
    expect(inItsWords(read.text, ids)).toBe(JSON.stringify(READ));

    const deleted = await portos.delete(path, token).expect(200);
    expect(inItsWords(deleted.text, ids)).toBe(JSON.stringify(DELETED));
    await portos.get(path, token).expect(401);
  });
});
