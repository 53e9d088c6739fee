import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { createWebServer } from '../../src/http/web-server.js';
import { sendBytes } from '../support/raw-client.js';
import { LARGER_THAN_SOCKETS_HOLD, smallApp } from './small-app.js';

let app: NestExpressApplication;
let port: number;

beforeAll(async () => {
  app = await createWebServer(smallApp({ ALLOWED_ORIGINS: 'https://app.example.com' }));
  await app.listen(0, '127.0.0.1');
  port = (app.getHttpServer().address() as AddressInfo).port;
});
afterAll(() => app.close());

const client = () => request(`http://127.0.0.1:${port}`);

const sendRaw = (bytes: string, then?: string) => sendBytes(`http://127.0.0.1:${port}`, bytes, then);

describe('every answer', () => {
  it('has an id of ours, whatever id the client sends', async () => {
    const { headers } = await client().get('/api/v2/things/1').set('X-Request-Id', 'mine').expect(200);
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('tells browsers what they may not do, and nobody what runs here (SECURITY 126, 134)', async () => {
    for (const path of ['/api/v2/things/1', '/nowhere', '/health/live']) {
      const { headers } = await client().get(path);
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['referrer-policy']).toBe('no-referrer');
      expect(headers['cache-control']).toBe('no-store');
      for (const absent of ['x-powered-by', 'server', 'etag', 'strict-transport-security']) {
        expect(headers).not.toHaveProperty(absent);
      }
    }
  });

  it('asks for TLS where PUBLIC_URL has it', async () => {
    const behindTls = await createWebServer(smallApp({ PUBLIC_URL: 'https://latchkey.example.com' }));
    await behindTls.listen(0, '127.0.0.1');
    const { headers, body } = await request(behindTls.getHttpServer()).get('/api/v2/things/1');
    expect(headers['strict-transport-security']).toContain('max-age=31536000');
    expect(body.publicUrl).toBe('https://latchkey.example.com');
    await behindTls.close();
  });

  it('takes the base of links from where it listens, never from the request (SECURITY 121)', async () => {
    const { body } = await client()
      .get('/api/v2/things/1')
      .set({ Host: 'evil.example', 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https' });
    expect(body.publicUrl).toBe(`http://localhost:${port}`);
  });

  it('is made of Express requests and responses, which Express finds with its prototypes on (PERFORMANCE.md)', async () => {
    const { headers, body } = await client()
      .get('/api/v2/things/1/express')
      .set('X-Test', 'seen')
      .expect(201);
    expect(body).toEqual({ untouched: true, accepts: 'json', header: 'seen', host: '127.0.0.1' });
    expect(headers).toMatchObject({ 'x-seen': 'yes', location: '/there' });
  });
});

describe('a bug behind an answer that has begun', () => {
  it('cuts off what is not written to its end, so that half looks like half', async () => {
    await expect(client().get('/api/v2/things/1/broken/half')).rejects.toThrow('aborted');
  });

  it('leaves alone what is, however long it takes to send', async () => {
    const { text } = await client().get('/api/v2/things/1/broken/end').expect(200);
    expect(text).toHaveLength(LARGER_THAN_SOCKETS_HOLD);
  });
});

describe('the client address (SECURITY 122)', () => {
  it('is the peer, whatever an untrusted peer says', async () => {
    const { body } = await client().get('/api/v2/things/1').set('X-Forwarded-For', '203.0.113.9');
    expect(body.ip).toBe('127.0.0.1');
  });

  it('is the right-most untrusted hop behind a trusted proxy', async () => {
    const behindProxy = await createWebServer(smallApp({ TRUST_PROXY: 'loopback' }));
    await behindProxy.listen(0, '127.0.0.1');
    const { body } = await request(behindProxy.getHttpServer())
      .get('/api/v2/things/1')
      .set('X-Forwarded-For', '198.51.100.1, 203.0.113.9');
    expect(body.ip).toBe('203.0.113.9');
    await behindProxy.close();
  });
});

describe('methods', () => {
  it('refuses a method that the path does not know, and names those that it does', async () => {
    const { headers, body } = await client().patch('/api/v2/things/1').expect(405);
    expect(body.reason).toBe('method_not_allowed');
    expect(headers.allow).toBe('DELETE, GET, HEAD, OPTIONS, PUT');
  });

  it('knows no path that no route has', async () => {
    expect((await client().patch('/api/v2/nothing').expect(404)).body.reason).toBe('route_unknown');
    expect((await client().options('/api/v2/nothing').expect(404)).body.reason).toBe('route_unknown');
  });

  it('answers OPTIONS with 204, the methods and no body', async () => {
    const { headers, text } = await client().options('/api/v2/things').expect(204);
    expect(headers.allow).toBe('OPTIONS, POST');
    expect(text).toBe('');
  });

  it('answers HEAD like GET without a body, and refuses it where there is no GET', async () => {
    const { headers, text } = await client().head('/api/v2/things/1').expect(200);
    expect(Number(headers['content-length'])).toBeGreaterThan(0);
    expect(text).toBeUndefined();
    await client().head('/api/v2/things').expect(405);
  });

  it('overrides no method and traces nothing (SECURITY 69)', async () => {
    await client().get('/api/v2/things/1').set('X-HTTP-Method-Override', 'PUT').expect(200);
    const { text } = await client().trace('/api/v2/things/1').set('X-Auth-Token', 'sentinel').expect(405);
    expect(text).not.toContain('sentinel');
  });
});

describe('bodies (SECURITY 107, 115)', () => {
  it('hands the wire a Buffer, whatever the content type', async () => {
    for (const type of ['application/vnd.api+json', 'text/plain', 'nonsense']) {
      const { body } = await client().post('/api/v2/things').set('Content-Type', type).send('{"a":1}');
      expect(body).toEqual({ bytes: 7 });
    }
  });

  it('takes 64 KiB and refuses a byte more, with and without a declared length', async () => {
    await client().post('/api/v2/things').type('text').send('x'.repeat(65_536)).expect(201);
    const { body } = await client().post('/api/v2/things').type('text').send('x'.repeat(65_537)).expect(413);
    expect(body.reason).toBe('payload_too_large');
    const chunk = `10001\r\n${'x'.repeat(65_537)}\r\n0\r\n\r\n`;
    const head =
      'POST /api/v2/things HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(await sendRaw(head + chunk)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('refuses an encoded body without looking into it', async () => {
    for (const encoding of ['gzip', 'br', 'gzip, gzip', 'x']) {
      const answer = await client().post('/api/v2/things').set('Content-Encoding', encoding).send('bomb');
      expect([answer.status, answer.body.reason]).toEqual([415, 'unsupported_media_type']);
    }
  });
});

describe('paths', () => {
  it('refuses broken percent-encoding (SECURITY 103)', async () => {
    for (const path of ['/api/v2/things/%', '/api/v2/things/%E0%A4%A', '/api/v2/things/%FF']) {
      expect((await client().get(path)).body.reason).toBe('bad_request');
    }
  });

  it('reads a query flat and pollutes nothing', async () => {
    const { body } = await client().get('/api/v2/things/1?__proto__[x]=1&a[b]=2&constructor.prototype=3');
    expect(body.query).toEqual({ ['__proto__[x]']: '1', 'a[b]': '2', 'constructor.prototype': '3' });
    expect(({} as { x?: string }).x).toBeUndefined();
  });
});

describe('browsers of other origins (SECURITY 127)', () => {
  const preflight = (origin: string) =>
    client().options('/api/v2/things/1').set({
      Origin: origin,
      'Access-Control-Request-Method': 'PUT',
      'Access-Control-Request-Headers': 'x-auth-token',
    });

  it('may call when they are listed, without credentials', async () => {
    const { headers } = await preflight('https://app.example.com').expect(204);
    expect(headers['access-control-allow-origin']).toBe('https://app.example.com');
    expect(headers['access-control-allow-headers']).toBe('x-auth-token');
    expect(headers).not.toHaveProperty('access-control-allow-credentials');
    const answer = await client().get('/api/v2/things/1').set('Origin', 'https://app.example.com');
    expect(answer.headers['access-control-expose-headers']).toBe('Location,X-Request-Id,Retry-After');
    expect(answer.headers.vary).toContain('Origin');
  });

  it.each([
    'https://evil.example',
    'null',
    'https://app.example.com.evil.example',
    'http://app.example.com',
    '*',
  ])('get no CORS header as %s', async (origin) => {
    for (const answer of [
      await preflight(origin),
      await client().get('/api/v2/things/1').set('Origin', origin),
    ]) {
      const names = Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'));
      expect(names).toEqual([]);
      expect(answer.headers.vary).toContain('Origin');
    }
  });
});

describe('malformed HTTP (SECURITY 117 to 120)', () => {
  const get = 'GET /api/v2/things/1 HTTP/1.1\r\n';
  const post = 'POST /api/v2/things HTTP/1.1\r\nHost: a\r\n';
  it.each([
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['nonsense', 'nonsense\r\n\r\n'],
    ['a NUL in a header', `${get}Host: a\r\nX: \0\r\n\r\n`],
    ['a folded header', `${get}Host: a\r\nX: 1\r\n 2\r\n\r\n`],
    ['no host', `${get}\r\n`],
    ['two hosts', `${get}Host: a\r\nHost: b\r\nConnection: close\r\n\r\n`],
    ['a bad length', `${post}Content-Length: x\r\n\r\n`],
    ['two lengths', `${post}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
    ['a length and chunks', `${post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['unknown transfer encoding', `${post}Transfer-Encoding: xchunked\r\nConnection: close\r\n\r\n0\r\n\r\n`],
    ['a space before the colon', `${post}Content-Length : 1\r\n\r\na`],
  ])('answers %s with one 400 and closes', async (_, bytes) => {
    const answer = await sendRaw(bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(answer).toMatch(/connection: close/i);
    await client().get('/health/live').expect(200);
  });

  it.each(['http://[', 'http://[::1', 'latchkey://a', '//a@[#'])(
    'answers the target %s, which no route can look at, with one 400 and closes',
    async (target) => {
      const bytes = `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}${get}Host: a\r\n\r\n`;
      const answer = await sendRaw(bytes);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
      expect(answer).toMatch(/connection: close/i);
      expect(answer).toMatch(/x-request-id: /i);
      const [, body] = answer.split('\r\n\r\n');
      expect(JSON.parse(body ?? '').reason).toBe('bad_request');
    },
  );

  it('takes a target in absolute form as the path that it holds (RFC 9112 section 3.2.2)', async () => {
    const answer = await sendRaw(
      'GET http://latchkey.example/api/v2/things/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('answers headers that are too large with a 431', async () => {
    const answer = await sendRaw(`${get}Host: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    const [, body] = answer.split('\r\n\r\n');
    expect(JSON.parse(body ?? '').reason).toBe('headers_too_large');
  });

  it.each([
    ['no host', 'GET /api/v2/things/1 HTTP/1.1\r\n\r\n!\r\n'],
    ['an expectation', `${get}Host: a\r\nExpect: x\r\n\r\n!\r\n`],
    ['a target that is no URL', 'GET http://[ HTTP/1.1\r\nHost: a\r\n\r\n!\r\n'],
    ['nothing wrong', `${get}Host: a\r\n\r\n!\r\n`],
  ])('lives on when a request with %s and nonsense come at once', async (_, bytes) => {
    expect((await sendRaw(bytes)).match(/HTTP\/1\.1 \d+/g)).toHaveLength(1);
    await client().get('/health/live').expect(200);
  });

  it('answers once when the body of a request that is answered already turns out to be nonsense', async () => {
    const head = `${post}Host: b\r\nTransfer-Encoding: chunked\r\n\r\n`; // two hosts: refused before its body
    const early =
      'POST /api/v2/nothing HTTP/1.1\r\nHost: a\r\nContent-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n';
    for (const bytes of [head, early]) {
      const answer = await sendRaw(bytes, 'HEAD /api/v2/things/1 HTTP/1.1\r\n\r\n');
      expect(answer.match(/HTTP\/1\.1 \d+/g)).toHaveLength(1);
    }
  });

  it('reads on after a body that it refused without reading it', async () => {
    const refused =
      'POST /api/v2/nothing HTTP/1.1\r\nHost: a\r\nContent-Encoding: x\r\nContent-Length: 2\r\n\r\n';
    const statuses = async (next: string) =>
      (await sendRaw(refused, `{}${next}\r\nHost: a\r\nConnection: close\r\n\r\n`)).match(
        /(?<=HTTP\/1\.1 )\d+/g,
      );
    expect(await statuses('GET /api/v2/things/1 HTTP/1.1')).toEqual(['415', '200']);
    expect(await statuses('GET /api/v2/things/ü HTTP/1.1')).toEqual(['415', '400']);
  });

  it('knows no expectation, and serves a request that has one (RFC 9110 section 10.1.1)', async () => {
    const answer = await sendRaw(`${get}Host: a\r\nExpect: x\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toMatch(/x-request-id: /i);
  });

  it('answers trailers that are too large with a 431', async () => {
    const trailer = `X: ${'x'.repeat(20_000)}\r\n\r\n`;
    expect(await sendRaw(`${post}Transfer-Encoding: chunked\r\n\r\n0\r\n${trailer}`)).toMatch(
      /^HTTP\/1\.1 431 /,
    );
  });

  it('reads the first line of what it cannot read where it can: a HEAD has no body', async () => {
    for (const line of ['HEAD /api/v2/things/ü', '\r\nHEAD /api/v2/things/ü', 'HEAD http://a/ü']) {
      const answer = await sendRaw(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer.split('\r\n\r\n')[1]).toBe('');
    }
  });

  it('answers a body that cannot be read any further with one 400 errors document, and closes', async () => {
    const answer = await sendRaw(`${post}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\nz\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    const [, body] = answer.split('\r\n\r\n');
    expect(JSON.parse(body ?? '')).toEqual({
      errors: [{ status: '400', code: 'bad_request', title: 'Bad Request' }],
    });
  });

  it('adds no header out of a path or a query', async () => {
    const { headers } = await client().get('/api/v2/things/1%0d%0aX-Evil:%201?a=%0d%0aX-Evil:%201');
    expect(headers).not.toHaveProperty('x-evil');
  });
});

describe('slow clients (SECURITY 124)', () => {
  it('has 15 s for its headers and 30 s for its request', () => {
    expect(app.getHttpServer()).toMatchObject({
      headersTimeout: 15_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 65_000,
    });
  });
});

describe('failures', () => {
  it('answers a bug with nothing inside', async () => {
    const { text } = await client().delete('/api/v2/things/1').expect(500);
    expect(JSON.parse(text)).toEqual({ reason: 'internal', problems: [{ reason: 'internal' }] });
  });

  it('answers a refusal in the words of the path, and every other path in those of the first wire', async () => {
    expect((await client().put('/api/v2/things/1').expect(403)).body.reason).toBe('forbidden');
    expect((await client().get('/elsewhere').expect(404)).body.reason).toBe('route_unknown');
  });
});

describe('health and metrics', () => {
  it('lives without a database, is not ready without one, and tells no versions (SECURITY 176)', async () => {
    const live = await client().get('/health/live').expect(200).expect('Content-Type', 'application/json');
    expect(live.body).toEqual({ status: 'ok' });
    const ready = await client().get('/health/ready').expect(503).expect('Content-Type', 'application/json');
    expect(ready.body).toEqual({ status: 'error', database: 'down' });
  });

  it('counts requests by the template of their route', async () => {
    await client().get('/api/v2/things/sentinel?token=sentinel');
    const { text, headers } = await client().get('/metrics').expect(200);
    expect(headers['content-type']).toMatch(/^text\/plain/);
    expect(text).toMatch(
      /http_requests_total\{method="GET",route="\/api\/v2\/things\/:id",status="2xx"\} [1-9]/,
    );
    expect(text).toContain('process_resident_memory_bytes');
    expect(text).not.toContain('sentinel');
  });
});
