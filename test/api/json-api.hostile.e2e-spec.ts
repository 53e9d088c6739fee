import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { JsonApiStage, type StagedRoute } from '../support/json-api-stage.js';
import { document, JSON_API, PASSWORD } from '../support/latchkey.js';
import { sendBytes } from '../support/raw-client.js';

// The numbers are those of SECURITY.md. The stage fails on a 500, on text/html, and on anything that is no document.

let stage: JsonApiStage;
let before: unknown[];
beforeAll(async () => void (stage = await JsonApiStage.set()));
afterAll(() => stage.stop());
beforeEach(async () => void (before = await stage.rows()));
afterEach(async () => {
  expect(await stage.rows()).toEqual(before);
  expect((await stage.send({ path: '/api/v2/sessions/current' })).status).toBe(200);
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

const list = async (query: string) => stage.send({ path: `/api/v2/sessions?${query}` });
const statusOf = async (query: string) => (await list(query)).status;
const takesDocument = ({ body }: StagedRoute) => body !== undefined;
const refusals = (said: string[]) => said.filter((line) => !/: 4\d\d$/.test(line));

describe('queries', () => {
  it.each(['1e9', '1000000000', '201', '0', '-1', 'abc', '1e400', '%00', '0x10', '%E2%91%A0', '1;2'])(
    'SECURITY 96: page[size]=%s is a 400 or at most 200 rows',
    async (size) => {
      const { status, body } = await list(`page[size]=${size}`);
      if (status === 200) expect(body.meta.page_size).toBeLessThanOrEqual(200);
      else expect(status).toBe(400);
    },
  );

  it.each([
    'page[size][x]=1',
    'page[size]=1&page[size]=2',
    'page[size][]=1',
    'page[]=1',
    'page[a][b]=1',
    'page=2',
  ])('SECURITY 96: %s is a 400', async (query) => expect(await statusOf(query)).toBe(400));

  it.each(['0', '-1', '1000000000000000000', '9223372036854775808', '1e3', '%F0%9F%98%80'])(
    'SECURITY 97: page[number]=%s is a 400 or empty',
    async (number) => {
      const { status, body } = await list(`page[number]=${number}`);
      expect(status === 400 || body.data.length === 0).toBe(true);
    },
  );

  it.each([
    ...[
      'token',
      'token_hash',
      'user_agent',
      'note',
      'agent_avatar',
      'version',
      'status',
      'secret',
      'user.email',
    ],
    ...["id'--", 'id;select pg_sleep(9)', '(select 1)', 'random()', '*', '1', 'id desc', '"id"', 'id\0'],
    ...['__proto__', 'constructor', 'toString', 'hasOwnProperty'],
  ])('SECURITY 98: sort=%j is a 400', async (sort) => {
    expect(await statusOf(`sort=${encodeURIComponent(sort)}`)).toBe(400);
  });

  it('SECURITY 99: 17 filters by 15 values find no row of others, and no fault', async () => {
    const { body } = await list('');
    const names = [...Object.keys(body.data[0].attributes), 'created_at', 'id', 'status'];
    const values = [
      "' OR 1=1--",
      '%',
      '_',
      '\\',
      '*',
      '1e400',
      '-1',
      '9223372036854775808',
      'null',
      'true',
      '',
    ];
    for (const name of names) {
      for (const value of [...values, '2026-13-45', '\u202e', stage.other.id, 'x'.repeat(2_000)]) {
        const { status, body: found } = await stage.send({
          path: `/api/v2/sessions?filter[${name}]=${encodeURIComponent(value)}`,
          token: stage.other.token,
        });
        expect([200, 400]).toContain(status);
        for (const { attributes } of found.data ?? [])
          expect(String(attributes.user_id)).toBe(stage.other.id);
      }
    }
  });

  it('SECURITY 100: filters on secrets answer alike, whatever is asked', async () => {
    for (const name of ['token', 'token_hash', 'tokenHash', 'password_hash', 'user.password_hash']) {
      const answers = new Set<string>();
      for (const operator of ['eq', 'contains', 'gt', 'lt', 'not_eq']) {
        for (const digit of '0123456789abcdef') {
          const { status, body } = await list(`filter[${name}][${operator}]=${digit}`);
          answers.add(`${status} ${body.errors[0].code} ${body.errors[0].detail}`);
        }
      }
      expect([...answers]).toEqual([expect.stringMatching(/^400 bad_request /)]);
    }
  });

  it.each([
    ['40 levels deep', Array(40).fill('user').join('.')],
    ['of 500 names', Array.from({ length: 500 }, (_, n) => `x${n}`).join(',')],
    ['unknown', 'sessions'],
    ['of the prototype', '__proto__'],
  ])('SECURITY 101: an include %s is a 400', async (_, include) => {
    expect(await statusOf(`include=${include}`)).toBe(400);
  });

  it('SECURITY 102: hidden columns stay hidden, and JSON stays JSON', async () => {
    const columns = ['password_hash', 'email_key', 'credentials_version', 'token_hash', '__proto__', '*'];
    for (const column of columns) {
      expect(await statusOf(`include=user&fields[users]=${column}`)).toBe(400);
      expect(await statusOf(`fields[sessions]=${column}`)).toBe(400);
    }
    expect(await statusOf('format=xml')).toBe(400);
    expect(await statusOf('callback=alert')).toBe(400);
    const { text } = await list('include=user');
    expect(text).not.toMatch(/hash|\$2b\$|credentials/);
  });

  it.each([
    ['1,500 lists', Array(1_500).fill('a[]=1').join('&')],
    ['800 brackets', `filter${'[b]'.repeat(800)}=1`],
    ['5,000 commas', `sort=${','.repeat(5_000)}`],
    ['5,000 commas in a filter', `filter[name]=${','.repeat(5_000)}`],
    ['a prototype', '__proto__[polluted]=1'],
    ['a prototype in a filter', 'filter[__proto__][polluted]=1'],
    ['a constructor', 'filter[constructor][prototype][polluted]=1'],
    ['a huge index', 'a[4294967295]=1'],
    ['a huge group', 'filter[4294967295][name]=1'],
    ['a lone percent sign', '%'],
    ['broken UTF-8', '%E0%A4%A'],
    ['overlong UTF-8', 'filter[name]=%C0%80'],
    ['a NUL', 'filter[name]=%00'],
    ['a lone surrogate', 'filter[name]=%ED%A0%80'],
    ['unclosed brackets', 'filter[name=1'],
    ['brackets the wrong way', 'filter]name[=1'],
    ['nothing but separators', '&&&=&='],
  ])('SECURITY 103: a query of %s is no fault', async (_, query) => {
    expect([200, 400]).toContain(await statusOf(query));
  });

  it.each(['%', '%E0%A4%A', '1%00', '..%2f..%2fusers', '%2e%2e', "1'", '1;', '\u{1f600}'])(
    'SECURITY 103: a path that ends in %s is a 400 or a 404',
    async (id) => {
      const path = `/api/v2/sessions/${id === '\u{1f600}' ? encodeURIComponent(id) : id}`;
      expect([400, 404]).toContain((await stage.send({ path })).status);
    },
  );
});

describe('bodies', () => {
  const post = (
    body: string | Buffer,
    headers: Record<string, string> = {},
    path = '/api/v2/sessions/machine',
  ) => stage.send({ method: 'POST', path, body, headers: { 'Content-Type': JSON_API, ...headers } });
  const machine = (name: string) => `{"data":{"type":"sessions","attributes":{"name":${name}}}}`;

  it('SECURITY 107: 10 MB with a length or in chunks are cut off with a 413', async () => {
    for (const path of ['/api/v2/sessions', '/api/v2/sessions/machine']) {
      const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: ${JSON_API}\r\nConnection: close\r\n`;
      const megabytes = 'x'.repeat(10_000_000);
      for (const bytes of [
        `${head}Content-Length: ${megabytes.length}\r\n\r\n${megabytes}`,
        `${head}Transfer-Encoding: chunked\r\n\r\n${megabytes.length.toString(16)}\r\n${megabytes}\r\n0\r\n\r\n`,
      ]) {
        const answer = await sendBytes(stage.latchkey.url, bytes).catch(() => 'cut off');
        expect(answer).toMatch(/^(HTTP\/1\.1 413|cut off|$)/);
      }
    }
  });

  it.each([
    ['20,000 nested lists', '['.repeat(20_000) + ']'.repeat(20_000)],
    ['33 nested objects', `${'{"a":'.repeat(33)}1${'}'.repeat(33)}`],
    ['10,000 objects', '{"a":'.repeat(10_000)],
    ['5,000 names', `{${Array.from({ length: 5_000 }, (_, n) => `"k${n}":1`).join(',')}}`],
    ['3,000 elements', `{"data":[${Array(3_000).fill('{}').join(',')}]}`],
    ['a number beyond all', machine('1e999')],
    ['a long number', machine('1'.repeat(10_000))],
  ])('SECURITY 108: %s are a 4xx on every route that takes a document', async (_, body) => {
    expect(refusals(await stage.askAll(() => ({ body }), takesDocument))).toEqual([]);
  });

  it.each([
    '{"__proto__":{"polluted":1},"data":{"type":"sessions","attributes":{"__proto__":{"name":"x","read_only":true}}}}',
    '{"data":{"__proto__":{"attributes":{"name":"x"}},"type":"sessions","attributes":{}}}',
    '{"data":{"type":"sessions","attributes":{"constructor":{"prototype":{"name":"x"}}}}}',
    '{"data":{"type":"sessions","attributes":{"toString":"x","then":"x","toJSON":"x","valueOf":{},"hasOwnProperty":1}}}',
  ])('SECURITY 109: %.60s… gives no name to a machine session without one', async (body) => {
    const { status, body: answer } = await post(body);
    expect([status, answer.errors[0].source.pointer]).toEqual([422, 'data/attributes/name']);
  });

  it.each([
    ['a lone continuation', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
    ['five bytes', [0xf8, 0x88, 0x80, 0x80, 0x80]],
    ['a cut sequence', [0xe2, 0x82]],
    ['0xFF', [0xff]],
    ['UTF-16', [...Buffer.from('\ufeff{}', 'utf16le')]],
  ])('SECURITY 110: a body with %s is a 400', async (_, bytes) => {
    const [start, end] = machine('"@"')
      .split('@')
      .map((part) => Buffer.from(part));
    expect((await post(Buffer.concat([start!, Buffer.from(bytes), end!]))).status).toBe(400);
  });

  it.each(['utf-16', 'utf-7', 'iso-8859-1', 'x'])('SECURITY 110: charset=%s is a 415', async (charset) => {
    const type = { 'Content-Type': `application/json; charset=${charset}` };
    expect((await post(machine('"x"'), type)).status).toBe(415);
  });

  it('SECURITY 111: NUL and lone surrogates are a 4xx wherever text is taken', async () => {
    for (const text of ['a\\u0000b', '\\ud800', '\\udc00x']) {
      expect((await post(machine(`"${text}"`))).status).toBe(422);
      for (const name of ['email', 'password', 'otp', 'first_name']) {
        const ask = (route: StagedRoute) => {
          const { data } = route.body as { data: { attributes: object } };
          const attributes = JSON.stringify({ ...data.attributes, [name]: '@' }).replace('@', text);
          return {
            body: JSON.stringify({ data: { ...data, attributes: 0 } }).replace(
              /"attributes":0/,
              () => `"attributes":${attributes}`,
            ),
          };
        };
        const isAsked = ({ body }: StagedRoute) => {
          const sent = (body as { data?: { attributes: object } } | undefined)?.data?.attributes ?? {};
          return name in sent;
        };
        expect(refusals(await stage.askAll(ask, isAsked))).toEqual([]);
      }
    }
  });

  it.each([
    ...[
      'null',
      '[]',
      '"x"',
      '5',
      'true',
      '{',
      '{}}',
      '',
      ' ',
      '\ufeff{}',
      "{'a':1}",
      '{"a":1,}',
      'NaN',
      '{} x',
    ],
    ...[
      '{"data":[]}',
      '{"data":null}',
      '{"data":5}',
      '{"data":{}}',
      '{"data":{"type":null}}',
      '{"data":{"type":[]}}',
    ],
    ...[
      '{"data":{"type":"sessions","type":"users"}}',
      '{"data":{},"data":{}}',
      '{"errors":[]}',
      '{"meta":{}}',
    ],
    ...['{"data":{"type":"sessions","attributes":[]}}', '{"data":{"type":"sessions","attributes":"x"}}'],
    ...['{"data":{"type":"sessions","id":1}}', '{"data":{"type":"sessions","id":"1","attributes":{}}}'],
    ...[
      '// {}',
      '{"data":{"type":"sessions\u0000"}}',
      '<data/>',
      'data=1',
      '\0',
      '{"a":\t\u0001}',
      'undefined',
    ],
  ])('SECURITY 112: the document %j is a 4xx on every route that takes one', async (body) => {
    expect(refusals(await stage.askAll(() => ({ body }), takesDocument))).toEqual([]);
  });

  it('SECURITY 113: broken JSON that holds a secret is not repeated', async () => {
    for (const body of [`{"password":"sentinel-1"`, `sentinel-1`, `{"data":"sentinel-1" "sentinel-1"}`]) {
      const { status, text } = await post(body);
      expect([status, text.includes('sentinel')]).toEqual([400, false]);
    }
  });

  it.each([
    ...[
      'text/plain',
      'text/html',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'text/json',
    ],
    ...[
      'application/xml',
      'application/problem+json',
      'application/hal+json',
      'image/png',
      'x',
      '/',
      ';',
      '*/*',
    ],
    ...['application/json, application/vnd.api+json', 'application/vnd.api+json\tx'],
  ])('SECURITY 114: a body of type %s is a 415, and not acted on', async (type) => {
    expect((await post(machine('"x"'), { 'Content-Type': type })).status).toBe(415);
  });

  it('SECURITY 114: a body of no type is a 415 on every route', async () => {
    const ask = () => ({ headers: { 'Content-Type': '' }, body: machine('"x"') });
    expect((await stage.askAll(ask)).filter((line) => !line.endsWith(': 415'))).toEqual([]);
  });

  it('SECURITY 115: coded bodies are a 4xx, and never unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(8_000_000));
    const bodies: [string, Buffer][] = [
      ['gzip', bomb],
      ['gzip', Buffer.from('no gzip')],
      ['br', Buffer.from('x')],
      ['deflate', Buffer.from('x')],
      ['gzip, gzip, gzip', gzipSync(gzipSync(bomb))],
      ['x', Buffer.from('x')],
    ];
    for (const [encoding, body] of bodies) {
      expect((await post(body, { 'Content-Encoding': encoding })).status).toBe(415);
    }
  });

  it('SECURITY 116: strings that make patterns go round are answered', async () => {
    const evil = [
      'a'.repeat(10_000) + '!',
      `${'a.'.repeat(5_000)}@`,
      '@'.repeat(10_000),
      ' '.repeat(10_000) + 'x',
    ];
    for (const text of evil) {
      const attributes = { email: text, password: PASSWORD };
      const user = document('users', {
        ...attributes,
        avatar_url: `http://${text}`,
        time_zone: text,
        locale: text,
      });
      expect((await stage.sendDocument('POST', '/api/v2/users', user)).status).toBe(422);
      const signIn = document('sessions', { email: text, password: text });
      expect((await stage.sendDocument('POST', '/api/v2/sessions', signIn, null)).status).toBe(401);
    }
  });
});

describe('HTTP', () => {
  const GET = 'GET /api/v2/sessions HTTP/1.1\r\n';
  const POST = 'POST /api/v2/sessions HTTP/1.1\r\nHost: a\r\n';
  const raw = (bytes: string) => sendBytes(stage.latchkey.url, bytes).catch(() => '');

  it.each([
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['an SSH banner', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['NULs', '\0'.repeat(64) + '\r\n\r\n'],
    ['a bare line', '\r\nnonsense\r\n\r\n'],
    ['HTTP/0.9', 'GET /api/v2/sessions\r\n\r\n'],
    ['HTTP/9.9', 'GET /api/v2/sessions HTTP/9.9\r\nHost: a\r\n\r\n'],
    ['a folded header', `${GET}Host: a\r\nX: 1\r\n 2\r\n\r\n`],
    ['a header without a colon', `${GET}Host: a\r\nX\r\n\r\n`],
    ['a header without a name', `${GET}Host: a\r\n: x\r\n\r\n`],
    ['a NUL in a header', `${GET}Host: a\r\nX: \0\r\n\r\n`],
    ['a CR in a header', `${GET}Host: a\r\nX: a\rb\r\n\r\n`],
    ['a blank in a header name', `${GET}Host: a\r\nX Y: 1\r\n\r\n`],
    ['no Host', `${GET}\r\n`],
    ['two Hosts', `${GET}Host: a\r\nHost: b\r\nConnection: close\r\n\r\n`],
    ['a blank in the path', 'GET /api/v2/ses sions HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a NUL in the path', 'GET /api/v2/\0 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a target that is no URL', 'GET http://[ HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['an unknown method', 'BREW /api/v2/sessions HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a bad length', `${POST}Content-Length: x\r\n\r\n`],
    ['a negative length', `${POST}Content-Length: -1\r\n\r\n`],
    ['a signed length', `${POST}Content-Length: +1\r\n\r\na`],
    ['a hexadecimal length', `${POST}Content-Length: 0x1\r\n\r\na`],
    ['a length beyond 64 bits', `${POST}Content-Length: 99999999999999999999\r\n\r\n`],
    ['a bad chunk size', `${POST}Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n`],
    ['a negative chunk size', `${POST}Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n`],
    ['a length and chunks', `${POST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['chunks and a length', `${POST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n`],
    ['two lengths', `${POST}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
    ['lengths in a list', `${POST}Content-Length: 1, 2\r\n\r\nab`],
    ['xchunked', `${POST}Transfer-Encoding: xchunked\r\nConnection: close\r\n\r\n0\r\n\r\n`],
    ['a blank before the colon', `${POST}Content-Length : 1\r\n\r\na`],
    ['chunked not last', `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
  ])('SECURITY 117, 118: %s is answered with one 400 at most, and closed', async (_, bytes) => {
    const smuggled = 'DELETE /api/v2/sessions/1 HTTP/1.1\r\nHost: a\r\n\r\n';
    const answer = await raw(bytes + smuggled);
    expect(answer).toMatch(/^(HTTP\/1\.1 400 |$)/);
    expect(answer.match(/HTTP\/1\.1 /g) ?? []).toHaveLength(answer === '' ? 0 : 1);
    expect(answer).not.toContain('text/html');
  });

  it.each([
    ['a header of 20 kB', `${GET}Host: a\r\nX: ${'x'.repeat(20_000)}\r\nConnection: close\r\n\r\n`],
    ['3,000 headers', `${GET}Host: a\r\n${'X: 1\r\n'.repeat(3_000)}Connection: close\r\n\r\n`],
    ['a cookie of 30 kB', `${GET}Host: a\r\nCookie: a=${'x'.repeat(30_000)}\r\nConnection: close\r\n\r\n`],
    [
      'a query of 20 kB',
      `GET /api/v2/sessions?a=${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    ],
  ])('SECURITY 119: %s is a 4xx document', async (_, bytes) => {
    const answer = await raw(bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 (400|401|414|431) /);
    expect(answer).toMatch(/content-type: application\/vnd\.api\+json\r\n/i);
  });

  it.each([
    '/api/v2/sessions/1%0d%0aX-Evil:%201',
    '/api/v2/sessions?sort=%0d%0aX-Evil:%201',
    '/api/v2/%0d%0a%0d%0ax',
  ])('SECURITY 120: %s adds no header', async (path) => {
    const { status, headers } = await stage.send({ path });
    expect([400, 404]).toContain(status);
    expect(headers).not.toHaveProperty('x-evil');
  });

  it.each([
    ['Host', 'evil.example'],
    ['X-Forwarded-Host', 'evil.example'],
    ['X-Forwarded-Proto', 'evil'],
    ['X-Forwarded-Prefix', '/evil'],
    ['Forwarded', 'host=evil.example;proto=evil'],
    ['X-Original-URL', '/evil'],
    ['X-Rewrite-URL', '/evil'],
  ])('SECURITY 121: %s: %s makes no link', async (name, value) => {
    const { status, text } = await stage.send({ path: '/api/v2/sessions', headers: { [name]: value } });
    expect([status, text.includes('evil')]).toEqual([200, false]);
  });
});

describe('browsers', () => {
  it.each([
    'https://evil.example',
    'http://localhost',
    'null',
    '*',
    'https://latchkey.example.evil.example',
    'file://',
    'chrome-extension://x',
  ])('SECURITY 127: the origin %s gets no CORS header, by GET or preflight', async (origin) => {
    const headers = { Origin: origin, 'Access-Control-Request-Method': 'DELETE' };
    for (const method of ['GET', 'OPTIONS']) {
      const answer = await stage.send({ method, path: '/api/v2/sessions', headers });
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });

  it('SECURITY 128: a token in a cookie is no credential, on any route', async () => {
    const Cookie = ['token', 'session', 'X-Auth-Token', 'Authorization', '__client', '__session']
      .map((name) => `${name}=${stage.admin.token}`)
      .join('; ');
    const isGuarded = ({ name }: StagedRoute) =>
      name !== 'POST /api/v2/sessions' && !name.includes('validate_otp');
    const said = await stage.askAll(() => ({ token: null, headers: { Cookie } }), isGuarded);
    expect(said.filter((line) => !line.endsWith(': 401'))).toEqual([]);
  });

  it('SECURITY 134: every answer says what browsers may not do with it', async () => {
    const paths = [
      '/api/v2/sessions',
      '/api/v2/users/me',
      '/api/v2/nothing',
      '/api/v2/sessions/0',
      '/api/v2/sessions?x=1',
    ];
    for (const path of paths) {
      const { headers } = await stage.send({ path });
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
        'cache-control': 'no-store',
      });
    }
  });
});
