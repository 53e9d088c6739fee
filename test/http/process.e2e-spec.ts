import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from '../support/until.js';

const here = import.meta.dirname;
const started: ChildProcess[] = [];
afterEach(() => started.splice(0).forEach((child) => child.kill('SIGKILL')));

/** Starts the small server in a process of its own, and gathers what it prints. */
async function start(drainSeconds = 10) {
  const child = spawn(
    process.execPath,
    ['--import', join(here, '../support/typescript.js'), join(here, 'small-server.ts')],
    { env: { PATH: process.env.PATH, NODE_ENV: 'test', DRAIN_SECONDS: String(drainSeconds) } },
  );
  started.push(child);
  const lines: string[] = [];
  let complaints = '';
  child.stderr.on('data', (chunk) => (complaints += chunk));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  const port = await new Promise<number>((resolve, reject) => {
    void exited.then((code) => reject(new Error(`exited with ${code}: ${complaints}`)));
    createInterface(child.stdout).on('line', (line) => {
      if (/^\d+$/.test(line)) resolve(Number(line));
      else lines.push(line);
    });
  });
  const entries = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { child, port, exited, lines, entries, base: `http://127.0.0.1:${port}` };
}

type Server = Awaited<ReturnType<typeof start>>;

function stop({ child, exited }: Server, signal: NodeJS.Signals = 'SIGTERM') {
  child.kill(signal);
  return exited;
}

function ask(url: string, agent?: Agent): Promise<{ headers: IncomingMessage['headers']; body: string }> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (chunk) => (body += chunk));
      answer.on('end', () => resolve({ headers: answer.headers, body })).on('error', reject);
    }).on('error', reject);
  });
}

describe('the log', () => {
  it('has one line a request and no secret, at any level (SECURITY 53)', async () => {
    const server = await start();
    const secret = 's3cr3t';
    const headers = {
      'X-Auth-Token': secret,
      Authorization: `Bearer ${secret}`,
      Cookie: secret,
      'User-Agent': secret,
    };
    const sent = { headers: { ...headers, 'Content-Type': secret, Referer: `http://a/${secret}` } };
    const answers = [
      await fetch(`${server.base}/api/v2/things/${secret}?token=${secret}`, sent),
      await fetch(`${server.base}/${secret}?${secret}=${secret}`, sent),
      await fetch(`${server.base}/api/v2/things`, { ...sent, method: 'POST', body: secret }),
      await fetch(`${server.base}/api/v2/things`, { ...sent, method: 'POST', body: secret.repeat(20_000) }),
      await fetch(`${server.base}/api/v2/things/${secret}`, { ...sent, method: 'PUT' }),
      await fetch(`${server.base}/api/v2/things/${secret}/database?q=${secret}`, {
        ...sent,
        method: 'DELETE',
      }),
      await fetch(`${server.base}/api/v2/things/%FF${secret}`, sent),
    ];
    await stop(server);
    expect(server.lines.filter((line) => line.includes(secret))).toEqual([]);
    const requests = server.entries().filter(({ msg }) => msg === 'request');
    expect(requests.map(({ method, route, status }) => [method, route, status])).toEqual([
      ['GET', '/api/v2/things/:id', 200],
      ['GET', null, 404],
      ['POST', '/api/v2/things', 201],
      ['POST', null, 413],
      ['PUT', '/api/v2/things/:id', 403],
      ['DELETE', '/api/v2/things/:id/database', 500],
      ['GET', null, 400],
    ]);
    expect(requests.map(({ requestId }) => requestId)).toEqual(
      answers.map((answer) => answer.headers.get('x-request-id')),
    );
    expect(requests[0]).toMatchObject({
      userId: '7',
      sessionId: '9',
      ip: '127.0.0.1',
      milliseconds: expect.any(Number),
    });
  });

  it('tells of a bug where it is, with the id that the client was given', async () => {
    const server = await start();
    const answer = await fetch(`${server.base}/api/v2/things/1`, { method: 'DELETE' });
    await stop(server);
    const bug = server.entries().find(({ msg }) => msg === 'bug');
    expect(bug).toMatchObject({ level: 50, requestId: answer.headers.get('x-request-id') });
    expect(bug?.err).toEqual({
      type: 'Error',
      message: expect.any(String),
      stack: expect.stringMatching(/small-app/),
    });
  });

  it('keeps an audit event on one line, without control characters (SECURITY 171)', async () => {
    const server = await start();
    await stop(server);
    const [event] = server.entries().filter(({ audit }) => audit);
    expect(event).toMatchObject({
      level: 30,
      action: 'request',
      outcome: 'refused',
      reason: 'a  {"forged":1} [31m ',
    });
    expect(event?.time).toMatch(/Z$/);
  });
});

describe('SIGTERM and SIGINT (SECURITY 159, 160)', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s finishes what is running, closes connections, exits 0',
    async (signal) => {
      const server = await start();
      const agent = new Agent({ keepAlive: true });
      await ask(`${server.base}/health/live`, agent);
      const running = ask(`${server.base}/api/v2/things/1/slow/500`, agent);
      await new Promise((resolve) => setTimeout(resolve, 200)); // the request is being served
      const exited = stop(server, signal);
      const { headers, body } = await running;
      expect(JSON.parse(body)).toEqual({ slow: true });
      expect(headers.connection).toBe('close');
      await expect(ask(`${server.base}/health/live`)).rejects.toThrow(/ECONN/);
      expect(await exited).toBe(0);
      expect(server.entries()).toContainEqual({ msg: 'last step' });
      expect(server.entries()).toContainEqual(
        expect.objectContaining({ msg: 'request', milliseconds: expect.any(Number) }),
      );
      agent.destroy();
    },
  );

  it('answers every request of clients that keep their connections, each until it is told to close', async () => {
    const server = await start();
    const outcomes = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        for (let told = false, asked = 0; !told; asked++) {
          if (asked === 20) server.child.kill('SIGTERM');
          told = (await ask(`${server.base}/health/live`, agent)).headers.connection === 'close';
        }
        agent.destroy();
        return 'told to close';
      }),
    );
    expect(outcomes).toEqual(Array(4).fill('told to close'));
    expect(await server.exited).toBe(0);
  });

  it('exits 0 with a request that hangs, and a second signal does not break it', async () => {
    const server = await start(1);
    const hung = ask(`${server.base}/api/v2/things/1/slow/600000`);
    const cut = expect(hung).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 200));
    server.child.kill('SIGTERM');
    await until(() => server.entries().some(({ msg }) => msg === 'SIGTERM: stopping'));
    expect(await stop(server, 'SIGINT')).toBe(0);
    await cut;
    expect(server.entries().filter(({ msg }) => msg === 'last step')).toHaveLength(1);
  });
});

describe('an unhandled rejection (SECURITY 169)', () => {
  it('is logged, runs the steps that must run, and ends the process with 1', async () => {
    const server = await start();
    await fetch(`${server.base}/api/v2/things/1/crash`).catch(() => undefined);
    expect(await server.exited).toBe(1);
    expect(server.entries()).toContainEqual(
      expect.objectContaining({ msg: 'unhandledRejection', err: expect.objectContaining({ type: 'Error' }) }),
    );
    expect(server.entries()).toContainEqual({ msg: 'last step' });
  });
});
