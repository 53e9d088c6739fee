import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { mintMachine } from '../support/access-table.js';
import { document, Latchkey, type Person, type SignedInPerson } from '../support/latchkey.js';
import { PortosClient, problem, type PortosCredential } from '../support/portos.js';

const NOT_FOUND = problem(404, 'Not Found', 'There is no such resource');
const MINUTE = 60_000;

let latchkey: Latchkey;
let portos: PortosClient;
let person: Person;
/** The person's three sessions, a minute apart, the oldest first, and their ids. */
let mine: PortosCredential[];
let ids: string[];
/** When each began. */
let startedAt: string[];
let token: string;
let stranger: SignedInPerson;
let admin: SignedInPerson;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  latchkey.clock.freeze(new Date('2030-01-01T10:00:00.120Z'));
  portos = new PortosClient(latchkey);
  person = await latchkey.addUser();
  mine = [];
  for (const more of [
    { DeviceName: 'P01', EnvName: 'CashRegister' },
    { DeviceName: 'Back "Office"; 50%, left', EnvName: 'BackOffice' },
    { DeviceName: 'a:b', EnvName: undefined },
  ]) {
    mine.push(await portos.signIn(person, more));
    latchkey.clock.move(MINUTE);
  }
  token = mine[2]!.tokenId;
  const { body } = await portos.get('/sessions', token).expect(200);
  ids = body.items.map(({ sessionId }: { sessionId: string }) => sessionId);
  startedAt = body.items.map(({ startedAt }: { startedAt: string }) => startedAt);
  stranger = await latchkey.asUser();
  admin = await latchkey.asUser({ rights: ['user.read', 'session.read'] });
});
afterAll(() => latchkey.stop());

/** Which of the person's three sessions a query keeps, in its order. */
async function kept(query: string, asker = token): Promise<number[]> {
  const answered = await portos.idsOf(`/sessions?${query}`, asker);
  return answered.map((id) => ids.indexOf(id)).filter((index) => index >= 0);
}

const enc = encodeURIComponent;

describe('GET /sessions', () => {
  describe('200', () => {
    it('answers one’s own live sessions, the oldest first, with both counts', async () => {
      const { body } = await portos.get('/sessions', token).expect(200);
      expect(Object.keys(body)).toEqual(['items', 'count', 'totalCount']);
      expect(body).toMatchObject({ count: 3, totalCount: 3 });
      expect(body.items[0]).toEqual({
        sessionId: expect.stringMatching(/^[0-9A-Za-z]{32}$/),
        identity: {
          userName: person.email,
          deviceName: 'P01',
          envName: 'CashRegister',
          authenticationType: 'Bearer',
        },
        startedAt: '2030-01-01T10:00:00.12Z',
        expiresAt: '2030-01-01T22:00:00.12Z',
        lastAccessAt: '2030-01-01T10:00:00.12Z',
        _v: 1,
      });
    });

    it('is the same below /api', async () => {
      const [one, other] = await Promise.all(
        ['/sessions', '/api/sessions'].map((path) => portos.get(path, token).expect(200)),
      );
      expect(one!.text).toBe(other!.text);
    });

    it('SECURITY 70: answers everybody’s to holders of session.read, and only then counts them', async () => {
      const { body } = await portos.get('/sessions?$count=true', admin.token).expect(200);
      expect(body.totalCount).toBeGreaterThanOrEqual(5);
      expect(await kept('', admin.token)).toEqual([0, 1, 2]);
      expect(await kept('', stranger.token)).toEqual([]);
      expect((await portos.get('/sessions?$count=true', stranger.token)).body).toEqual({
        count: 1,
        totalCount: 1,
      });
    });

    it('SECURITY 63: tells holders of session.read alone not whose they are', async () => {
      const reader = await latchkey.asUser({ rights: ['session.read'] });
      const { body } = await portos.get('/sessions', reader.token).expect(200);
      const names = (body.items as { identity: { userName?: string } }[]).map(
        (item) => item.identity.userName,
      );
      expect(names.filter((name) => name !== undefined)).toEqual([reader.email]);
      const one = await portos.get(`/sessions/${ids[0]}`, reader.token).expect(200);
      const authenticationType = 'Bearer';
      expect(one.body.identity).toEqual({ deviceName: 'P01', envName: 'CashRegister', authenticationType });
      for (const query of [
        `identity.userName=${person.email}`,
        'identity.userName=like:p',
        '$sort=identity.userName',
      ]) {
        await portos.get(`/sessions?${query}`, reader.token).expect(403);
        await portos.get(`/sessions?${query}`, token).expect(200); // among one's own there is nothing to learn
      }
    });

    it('shows machine sessions, whose expiry is null unless they have one', async () => {
      const owner = await latchkey.asUser();
      await mintMachine(latchkey, owner.token, true);
      const { body } = await portos.get('/sessions?$sort=-sessionId&$take=1', owner.token).expect(200);
      expect(body.items[0]).toMatchObject({
        identity: { userName: owner.email, deviceName: null, envName: null },
        expiresAt: null,
      });
    });

    it('raises _v with each change', async () => {
      const { tokenId } = await portos.signIn(person);
      const { body } = await latchkey.get('/api/v2/sessions/current', tokenId).expect(200);
      const { id } = body.data;
      const named = document('sessions', { name: 'till' }, { id });
      await latchkey.patch(`/api/v2/sessions/${id}`, tokenId, named).expect(200);
      const [session] = (await portos.get('/sessions?_v=2', tokenId).expect(200)).body.items;
      expect(session).toMatchObject({ _v: 2 });
      await portos.delete(`/sessions/${session.sessionId}`, tokenId).expect(200);
    });

    it.each([
      ['$skip=1', [1, 2]],
      ['$take=2', [0, 1]],
      ['$take=1&$skip=1', [1]],
      ['$TAKE=1&$Skip=2', [2]],
      ['$skip=3', []],
      ['$skip=2147483647', []],
      ['$take=0', []],
      ['$take=1000', [0, 1, 2]],
    ])('passes over and takes: %s', async (query, expected) => {
      expect(await kept(query)).toEqual(expected);
      const { body } = await portos.get(`/sessions?${query}`, token).expect(200);
      expect(body).toMatchObject({ count: expected.length, totalCount: 3 });
    });

    it.each([
      ['$count=true', 3],
      ['$count=True&$take=2', 2],
      ['$count=true&$skip=2', 1],
      ['$count=true&$skip=9', 0],
    ])('counts without items: %s', async (query, count) => {
      const { body } = await portos.get(`/sessions?${query}`, token).expect(200);
      expect(body).toEqual({ count, totalCount: 3 });
    });

    it.each([
      ['$sort=sessionId', [0, 1, 2]],
      ['$sort=-sessionId', [2, 1, 0]],
      ['$sort=startedAt:desc', [2, 1, 0]],
      ['$sort=STARTEDAT:ASC', [0, 1, 2]],
      ['$sort=-expiresAt', [2, 1, 0]],
      ['$sort=lastAccessAt:desc', [2, 1, 0]],
      ['$sort=_v,-startedAt', [2, 1, 0]],
      ['$sort=_v&$sort=startedAt:desc', [2, 1, 0]],
      ['$sort=identity.authenticationType,-startedAt', [2, 1, 0]],
      ['$sort=identity.deviceName', [1, 0, 2]],
      ['$sort=identity.userName,identity.envName', [1, 0, 2]],
    ])('sorts: %s', async (query, expected) => {
      expect(await kept(query)).toEqual(expected);
    });

    it.each<[string, () => string, number[]]>([
      ['sessionId alone', () => `sessionId=${ids[1]}`, [1]],
      ['its name in other case', () => `SESSIONID=${ids[1]}`, [1]],
      ['eq', () => `sessionId=eq:${ids[1]}`, [1]],
      ['an operator in other case', () => `sessionId=EQ:${ids[1]}`, [1]],
      ['neq', () => `sessionId=neq:${ids[1]}`, [0, 2]],
      ['gt on an id', () => `sessionId=gt:${ids[0]}`, [1, 2]],
      ['lte on an id', () => `sessionId=lte:${ids[0]}`, [0]],
      ['in, by commas', () => `sessionId=in:${ids[0]},${ids[2]}`, [0, 2]],
      ['in, by colons', () => `sessionId=in:${ids[0]}:${ids[2]}`, [0, 2]],
      ['nin', () => `sessionId=nin:${ids[0]},${ids[2]}`, [1]],
      ['an unknown id', () => `sessionId=soZIt6uj62fzs8ep4UvnNSxRXFryUiq3`, []],
      ['an id in other letters', () => `sessionId=neq:${enc('Ж')}`, [0, 1, 2]],
      ['both of two operations', () => `sessionId=gt:${ids[0]};lt:${ids[2]}`, [1]],
      ['both of two parameters', () => `sessionId=gt:${ids[0]}&sessionId=lt:${ids[2]}`, [1]],
      ['userName', () => `identity.userName=${enc(person.email)}`, [0, 1, 2]],
      ['another userName', () => `identity.userName=nobody@example.com`, []],
      ['deviceName', () => `identity.deviceName=P01`, [0]],
      ['a quoted value', () => `identity.deviceName=${enc('"Back \\"Office\\"; 50%, left"')}`, [1]],
      [
        'a quoted argument',
        () => `identity.deviceName=${enc('in:"Back \\"Office\\"; 50%, left",P01')}`,
        [0, 1],
      ],
      ['a value with a colon', () => `identity.deviceName=${enc('"a:b"')}`, [2]],
      ['an argument with a colon', () => `identity.deviceName=eq:a:b`, [2]],
      ['a quotation mark inside', () => `identity.deviceName=like:${enc('k "O')}`, [1]],
      ['like, whatever the case', () => `identity.deviceName=like:back`, [1]],
      ['like, with what SQL would take for a wildcard', () => `identity.deviceName=like:0%25`, [1]],
      ['like, with what SQL would take for any letter', () => `identity.deviceName=like:P_1`, []],
      ['neq keeps what has no value', () => `identity.envName=neq:BackOffice`, [0, 2]],
      ['authenticationType', () => 'identity.authenticationType=Bearer', [0, 1, 2]],
      ['another authenticationType', () => 'identity.authenticationType=NWS4', []],
      ['authenticationType in a list', () => 'identity.authenticationType=in:NWS4,Bearer', [0, 1, 2]],
      ['authenticationType like', () => 'identity.authenticationType=like:BEAR', [0, 1, 2]],
      ['authenticationType nin', () => 'identity.authenticationType=nin:Bearer', []],
      ['authenticationType gt', () => 'identity.authenticationType=gt:A;lt:C', [0, 1, 2]],
      ['startedAt', () => `startedAt=${startedAt[1]}`, [1]],
      ['startedAt after', () => `startedAt=gt:${startedAt[0]}`, [1, 2]],
      ['startedAt between', () => `startedAt=gte:${startedAt[0]};lt:${startedAt[2]}`, [0, 1]],
      ['startedAt with an offset', () => `startedAt=lte:2030-01-01T11:00:00.12%2B01:00`, [0]],
      ['startedAt in', () => `startedAt=in:${startedAt[0]},${startedAt[2]}`, [0, 2]],
      ['expiresAt', () => `expiresAt=lt:2030-01-01T22:00:30Z`, [0]],
      ['lastAccessAt on a day', () => `lastAccessAt=gte:2030-01-01;lt:2030-01-02`, [0, 1, 2]],
      ['_v', () => `_v=1`, [0, 1, 2]],
      ['_v gt', () => `_v=gt:1`, []],
      [
        'several members',
        () => `identity.envName=in:CashRegister,BackOffice&startedAt=gt:${startedAt[0]}`,
        [1],
      ],
    ])('keeps what a filter asks for: %s', async (_, query, expected) => {
      expect(await kept(query())).toEqual(expected);
    });

    it('SECURITY 64: keeps none of others’, whatever the filter', async () => {
      for (const query of [
        `sessionId=${ids[0]}`,
        `sessionId=in:${ids.join(',')}`,
        `identity.userName=${enc(person.email)}`,
        'sessionId=neq:x',
        'identity.authenticationType=Bearer',
        `startedAt=in:${startedAt.join(',')}`,
      ]) {
        expect(await kept(query, stranger.token)).toEqual([]);
      }
    });
  });

  describe('400', () => {
    it.each([
      ['$skip', '$skip=-1'],
      ['$skip', '$skip=1e9'],
      ['$skip', '$skip=2147483648'],
      ['$skip', '$skip=99999999999999999999999999'],
      ['$skip', '$skip='],
      ['$skip', '$skip=1&$SKIP=1'],
      ['$take', '$take=1001'],
      ['$take', '$take=-5'],
      ['$take', '$take=1.5'],
      ['$take', '$take=0x10'],
      ['$take', `$take=${enc('１')}`],
      ['$count', '$count=1'],
      ['$count', '$count='],
      ['$sort', '$sort='],
      ['$sort', '$sort=colour'],
      ['$sort', '$sort=token'],
      ['$sort', '$sort=startedAt:up'],
      ['$sort', '$sort=-startedAt:asc'],
      ['$sort', '$sort=startedAt,,_v'],
      ['$sort', '$sort=startedAt,-startedAt'],
      ['$sort', '$sort=_v&$sort=_V'],
      ['$sort', '$sort=startedAt;drop'],
      ['$sort', '$sort=__proto__'],
      ['$sort', `$sort=_v,startedAt,expiresAt,lastAccessAt,identity.userName,identity.envName`],
      ['$include', '$include=user'],
      ['$filter', '$filter=x'],
      ['colour', 'colour=red'],
      ['userName', 'userName=x'],
      ['tokenHash', 'tokenHash=gt:a'],
      ['__proto__', '__proto__=x'],
      ['constructor', 'constructor=x'],
      ['sessionId[x]', 'sessionId[x]=1'],
      ['token', 'token=abc'],
      ['sessionId', 'sessionId=near:x'],
      ['sessionId', 'sessionId=constructor:x'],
      ['sessionId', 'sessionId=like:x'],
      ['sessionId', 'sessionId=gt:x'],
      ['sessionId', 'sessionId=gt:'],
      ['sessionId', `sessionId=${enc('"x')}`],
      ['sessionId', `sessionId=${enc('"x"y')}`],
      ['sessionId', `sessionId=in:${'x,'.repeat(300)}`],
      ['sessionId', `sessionId=${'eq:x;'.repeat(60)}`],
      ['startedAt', 'startedAt=yesterday'],
      ['startedAt', 'startedAt=gt:2030-13-01'],
      ['startedAt', 'startedAt=gt:999999-01-01T00:00:00Z'],
      ['startedAt', 'startedAt=like:2030'],
      ['startedAt', 'startedAt='],
      ['_v', '_v=one'],
      ['_v', '_v=1e3'],
      ['_v', '_v=99999999999999999999'],
      ['_v', `_v=${enc("1' OR '1'='1")}`],
    ])('SECURITY 104: names the parameter at fault: %s in %s', async (memberName, query) => {
      const { body } = await portos.get(`/sessions?${query}`, token).expect(400);
      expect(body).toMatchObject({ status: 400, errorCode: 3, title: 'Bad Request' });
      expect(body.errors).toEqual([
        {
          memberName: query.startsWith('sessionId=eq:x;') ? 'query' : memberName,
          message: expect.any(String),
        },
      ]);
    });

    it.each([
      ['too long', `sessionId=${'x'.repeat(9_000)}`],
      ['too many', '_v=1&'.repeat(101)],
      ['not percent-encoded', 'sessionId=%E0%A4%A'],
      ['with NUL', 'sessionId=%00'],
    ])('SECURITY 104: takes no query that is %s', async (_, query) => {
      const { body } = await portos.get(`/sessions?${query}`, token).expect(400);
      expect(body).toMatchObject({ status: 400, errorCode: 3, errors: [] });
    });

    it('SECURITY 104, 116: reads 8,000 hostile characters at once', async () => {
      for (const value of [
        '"'.repeat(2_600),
        '\\'.repeat(2_600),
        ':'.repeat(8_000),
        ';'.repeat(49),
        'a'.repeat(8_000),
        'in:"\\'.repeat(400),
      ]) {
        const { status } = await portos.get(
          `/sessions?identity.deviceName=${enc(value).slice(0, 8_100)}`,
          token,
        );
        expect([200, 400]).toContain(status);
      }
    });

    it('repeats nothing that could do harm', async () => {
      const name = '<script>alert(1)</script>'.repeat(5);
      const { text } = await portos.get(`/sessions?${enc(name)}=secret-value`, token).expect(400);
      expect(text).not.toContain('<');
      expect(text).not.toContain('secret-value');
    });

    it('takes no two credentials', async () => {
      const { body } = await portos.get('/sessions', token).set('X-Auth-Token', admin.token).expect(400);
      expect(body.errors).toEqual([
        { memberName: 'Authorization', message: 'Two different tokens were sent' },
      ]);
    });
  });

  it('401: asks for a credential', async () => {
    const { body } = await portos.get('/sessions', null).expect(401);
    expect(body).toMatchObject({ status: 401, errorCode: 1 });
  });
});

describe('GET /sessions/{id}', () => {
  it('200: answers one of one’s own, and any to holders of session.read', async () => {
    for (const path of [`/sessions/${ids[0]}`, `/api/sessions/${ids[0]}`]) {
      const own = await portos.get(path, token).expect(200);
      expect(own.body).toMatchObject({
        sessionId: ids[0],
        identity: { userName: person.email, deviceName: 'P01' },
      });
      expect((await portos.get(path, admin.token).expect(200)).text).toBe(own.text);
    }
  });

  it('SECURITY 60, 63: 404: somebody else’s, an ended and an unknown one are the same', async () => {
    const ended = await portos.signIn(person);
    const id = (await portos.idsOf('/sessions?$sort=-sessionId&$take=1', ended.tokenId))[0]!;
    await portos.delete('/api/auth', ended.tokenId).expect(204);
    for (const [asker, which] of [
      [stranger.token, ids[0]],
      [token, id],
      [token, 'soZIt6uj62fzs8ep4UvnNSxRXFryUiq3'],
    ] as const) {
      expect((await portos.get(`/sessions/${which}`, asker).expect(404)).body).toEqual(NOT_FOUND);
    }
  });

  it.each([
    ['the decimal', () => BigInt(1).toString()],
    ['without its zeros', () => ids[0]!.replace(/^0+/, '')],
    ['a zero more', () => `0${ids[0]}`],
    ['zero', () => '0'.repeat(32)],
    ['beyond 64 bits', () => '0'.repeat(21) + 'AzL8n0Y58m8'],
    ['far beyond', () => 'z'.repeat(32)],
    ['a blank behind', () => `${ids[0]}%20`],
    ['NUL', () => `${ids[0]}%00`],
    ['other letters', () => '%D0%96'.repeat(32)],
    ['__proto__', () => '__proto__'],
    ['10 kB', () => 'a'.repeat(10_000)],
  ])('SECURITY 65: 404: an id has one spelling, all else is unknown: %s', async (_, spelling) => {
    expect((await portos.get(`/sessions/${spelling()}`, token).expect(404)).body).toEqual(NOT_FOUND);
    expect((await portos.delete(`/sessions/${spelling()}`, token).expect(404)).body).toEqual(NOT_FOUND);
  });

  it('404: the greatest id there can be is an unknown one as well', async () => {
    await portos.get(`/sessions/${'0'.repeat(21)}AzL8n0Y58m7`, token).expect(404);
  });
});

describe('DELETE /sessions/{id}', () => {
  it('200: ends it at once, for every API, and answers it as it was', async () => {
    const other = await portos.signIn(person);
    const [id] = await portos.idsOf('/sessions?$sort=-sessionId&$take=1', other.tokenId);
    const { body: before } = await portos.get(`/sessions/${id}`, token).expect(200);
    const { body } = await portos.delete(`/sessions/${id}`, token).expect(200);
    expect(body).toEqual(before);
    expect(Object.keys(body)).toEqual(Object.keys(before));
    await portos.get('/api/auth', other.tokenId).expect(401);
    await latchkey.get('/api/v2/sessions/current', other.tokenId).expect(401);
    await portos.delete(`/sessions/${id}`, token).expect(404);
  });

  it('SECURITY 136: 200: for one of many who end it at the same moment', async () => {
    const other = await portos.signIn(person);
    const [id] = await portos.idsOf('/sessions?$sort=-sessionId&$take=1', other.tokenId);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => portos.delete(`/api/sessions/${id}`, token)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(19).fill(404)]);
  });

  it('200: of whomever, for holders of session.delete, who need not be able to read it', async () => {
    const deleter = await latchkey.asUser({ rights: ['session.delete'] });
    const victim = await portos.signIn(person);
    const [id] = await portos.idsOf('/sessions?$sort=-sessionId&$take=1', victim.tokenId);
    await portos.get(`/sessions/${id}`, deleter.token).expect(404);
    const { body } = await portos.delete(`/sessions/${id}`, deleter.token).expect(200);
    expect(body.identity.userName).toBeUndefined(); // that would take user.read
    await portos.get('/api/auth', victim.tokenId).expect(401);
  });

  it('403: what may be seen may not therefore be ended', async () => {
    const { body } = await portos.delete(`/sessions/${ids[0]}`, admin.token).expect(403);
    expect(body).toEqual(problem(403, 'Forbidden', 'Not allowed', { errorCode: 2 }));
    await portos.get('/api/auth', mine[0]!.tokenId).expect(200);
  });

  it('SECURITY 61: 404: somebody else’s lives on', async () => {
    expect((await portos.delete(`/sessions/${ids[0]}`, stranger.token).expect(404)).body).toEqual(NOT_FOUND);
    await portos.get('/api/auth', mine[0]!.tokenId).expect(200);
  });

  it('SECURITY 66: 404, 405: there is no ending of all', async () => {
    for (const path of ['/sessions', '/sessions/', `/sessions?sessionId=${ids[0]}`]) {
      expect([404, 405]).toContain((await portos.delete(path, token)).status);
    }
    expect(await kept('')).toEqual([0, 1, 2]);
  });
});

describe('the framework’s own refusals are problem details', () => {
  const headersOf = (more: object) => ({ 'content-type': 'application/problem+json', ...more });

  it('400: broken JSON, which is not repeated', async () => {
    const { body, headers, text } = await portos
      .call('post', '/api/auth', null)
      .set('Content-Type', 'application/json')
      .send('{"UserName": "a", "Password": hunter2')
      .expect(400);
    expect(body).toEqual(
      problem(400, 'Bad Request', 'The body is not valid JSON', { errorCode: 3, errors: [] }),
    );
    expect(headers).toMatchObject(headersOf({ 'x-request-id': body.traceId }));
    expect(text).not.toContain('hunter2');
  });

  it.each([
    ['404', 'get', '/nothing/here', {}],
    ['404', 'get', '', {}],
    ['405', 'post', '/sessions', { allow: 'GET, HEAD, OPTIONS' }],
    ['405', 'delete', '/api/auth/refresh', { allow: 'OPTIONS, POST' }],
  ] as const)('%s: %s %s', async (status, method, path, more) => {
    const { body, headers } = await portos.call(method, path, token, method === 'post' ? {} : undefined);
    expect(body).toMatchObject({ status: Number(status), traceId: expect.any(String) });
    expect(headers).toMatchObject(headersOf(more));
  });

  it('413: a body beyond 64 KiB', async () => {
    const { body, headers } = await portos.post('/api/auth', null, { UserName: 'x'.repeat(70_000) });
    expect([body.status, headers['content-type']]).toEqual([413, 'application/problem+json']);
  });

  it.each([
    'application/x-www-form-urlencoded',
    'text/plain',
    'application/json; charset=utf-16',
    'nonsense',
  ])('SECURITY 114: 415: a body of type %s', async (type) => {
    const { body } = await portos
      .call('post', '/api/auth', null)
      .set('Content-Type', type)
      .send('UserName=a')
      .expect(415);
    expect(body).toEqual(problem(415, 'Unsupported Media Type', 'Send application/json'));
  });

  it('503: too many passwords at once, with when to come back', async () => {
    const narrow = await Latchkey.start(
      { PASSWORD_CONCURRENCY: '1', PASSWORD_QUEUE: '1', BCRYPT_COST: '10' },
      latchkey,
    );
    try {
      const sent = { userName: 'nobody@example.com', password: 'x', deviceName: 'P01' };
      const client = new PortosClient(narrow);
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => client.post('/api/auth', null, sent)),
      );
      const refused = answers.filter(({ status }) => status === 503);
      expect(refused.length).toBeGreaterThan(0);
      const detail = 'Not available at this moment: try again soon';
      for (const { body, headers } of refused) {
        expect(body).toEqual(problem(503, 'Service Unavailable', detail));
        expect(headers).toMatchObject(headersOf({ 'retry-after': '2' }));
      }
    } finally {
      await narrow.stop();
    }
  });

  it('SECURITY 68: no spelling of a path opens it without a credential', async () => {
    for (const path of [
      '/portos/sessions/',
      '/portos//sessions',
      '/PORTOS/Sessions',
      '/portos/%73essions',
      '/portos/sessions;a',
      '/portos/./sessions',
      '/portos/api/../sessions',
    ]) {
      expect(Number((await raw(path)).split(' ')[1])).toBeGreaterThanOrEqual(400);
    }
  });

  it('is not there when FACES leaves it out, and then the native words answer', async () => {
    const without = await Latchkey.start({ FACES: 'none' }, latchkey);
    try {
      const { body } = await new PortosClient(without).get('/sessions', token).expect(404);
      expect(body.errors[0].code).toBe('not_found');
    } finally {
      await without.stop();
    }
  });
});

function raw(path: string): Promise<string> {
  const { hostname, port } = new URL(latchkey.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`),
    );
    let answer = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk));
    socket.on('close', () => resolve(answer)).on('error', reject);
  });
}
