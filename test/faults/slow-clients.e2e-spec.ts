import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Latchkey } from '../support/latchkey.js';

let latchkey: Latchkey;

beforeAll(async () => {
  latchkey = await Latchkey.start();
});
afterAll(() => latchkey.stop());

/** A connection on which so much was said, and then nothing more. */
async function silentAfter(words: string): Promise<Socket> {
  const { hostname, port } = new URL(latchkey.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  await new Promise((resolve) => socket.write(words, resolve));
  return socket;
}

describe('slow clients', () => {
  const HALF_THE_HEADERS = 'GET /api/v2/sessions HTTP/1.1\r\nHost: localhost\r\nX-Slow: ';
  const HALF_THE_BODY = [
    'POST /api/v2/sessions HTTP/1.1',
    'Host: localhost',
    'Content-Type: application/vnd.api+json',
    'Content-Length: 100',
    '',
    '{"data":',
  ].join('\r\n');

  it('SECURITY 123: a hundred and fifty of them hold nobody up', async () => {
    const person = await latchkey.addUser();
    const slow = await Promise.all(
      ['', HALF_THE_HEADERS, HALF_THE_BODY].flatMap((words) =>
        Array.from({ length: 50 }, () => silentAfter(words)),
      ),
    );
    try {
      for (let turn = 0; turn < 5; turn++) {
        const { token, sessionId } = await latchkey.signIn(person);
        await latchkey.get('/api/v2/sessions', token).expect(200);
        await latchkey.delete(`/api/v2/sessions/${sessionId}`, token).expect(204);
      }
      expect(slow.filter(({ closed }) => closed)).toEqual([]);
    } finally {
      for (const socket of slow) socket.destroy();
    }
  });
});
