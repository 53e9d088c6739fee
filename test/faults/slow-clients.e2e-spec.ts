import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { JSON_API, Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { until } from '../support/until.js';

const HALF_THE_HEADERS = 'GET /api/v2/sessions HTTP/1.1\r\nHost: localhost\r\nX-Slow: ';
const HALF_THE_BODY = [
  'POST /api/v2/sessions HTTP/1.1',
  'Host: localhost',
  `Content-Type: ${JSON_API}`,
  'Content-Length: 100',
  '',
  '{"data":',
].join('\r\n');
const WHOLE = 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n';

let latchkey: Latchkey;
let person: SignedInPerson;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  person = await latchkey.asUser();
});
afterAll(() => latchkey.stop());

/** A connection on which so much was said, and then nothing more. */
async function silentAfter(words: string): Promise<Socket> {
  const { hostname, port } = new URL(latchkey.url);
  const socket = connect(Number(port), hostname).on('error', () => undefined);
  await once(socket, 'connect');
  if (words !== '') await new Promise((resolve) => socket.write(words, resolve));
  return socket;
}

/** Asks for more than a connection holds, and reads none of it. */
async function deaf(): Promise<Socket> {
  const socket = await silentAfter('GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(50));
  return socket.pause();
}

async function normalRequests(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    const { token, sessionId } = await latchkey.signIn(person);
    await latchkey.get('/api/v2/sessions', token).expect(200);
    await latchkey.delete(`/api/v2/sessions/${sessionId}`, token).expect(204);
  }
}

describe('slow clients', () => {
  it('SECURITY 123: five hundred that are half-way through a request hold nobody up', async () => {
    const slow = await Promise.all(
      ['', HALF_THE_HEADERS, HALF_THE_BODY, WHOLE].flatMap((words) =>
        Array.from({ length: 125 }, () => silentAfter(words)),
      ),
    );
    try {
      await normalRequests();
      expect(slow.filter(({ closed }) => closed)).toEqual([]);
    } finally {
      for (const socket of slow) socket.destroy();
    }
  });

  it('SECURITY 124: each is cut off when its time is over, and who only never reads is too', async () => {
    const server: Server = latchkey.app.getHttpServer();
    const { headersTimeout, requestTimeout, keepAliveTimeout, timeout } = server;
    expect({ headersTimeout, requestTimeout, keepAliveTimeout, timeout }).toEqual({
      headersTimeout: 15_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 65_000,
      timeout: 120_000,
    });
    // What these times do is the same when they are shorter.
    Object.assign(server, {
      headersTimeout: 300,
      requestTimeout: 300,
      keepAliveTimeout: 300,
    });
    const kinds = { silent: '', header: HALF_THE_HEADERS, body: HALF_THE_BODY, idle: WHOLE };
    const told = await Promise.all(
      Object.entries(kinds).map(async ([kind, words]) => [
        kind,
        await allThatComes(await silentAfter(words)),
      ]),
    );
    const status = Object.fromEntries(
      told.map(([kind, text]) => [kind, /^HTTP\/1.1 (\d+)/.exec(text ?? '')?.[1]]),
    );
    expect(status).toEqual({ silent: '408', header: '408', body: '408', idle: '200' });

    Object.assign(server, { headersTimeout, requestTimeout, keepAliveTimeout, timeout: 1_000 });
    const unread = await deaf();
    while ((await connectionsOf(server)) > 0) await sleep(50);
    unread.destroy();
    server.timeout = timeout;
    await normalRequests();
  });
});

/** Everything that a connection is told until the server closes it. */
async function allThatComes(socket: Socket): Promise<string> {
  let text = '';
  let ended = false;
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  socket.on('close', () => (ended = true));
  await until(() => ended);
  return text;
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_, connections) => resolve(connections)));
}
