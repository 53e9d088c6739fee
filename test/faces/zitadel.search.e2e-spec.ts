import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { asCareful } from '../support/second-factor.js';
import { asBackend, refusal, ZitadelClient } from '../support/zitadel.js';
import { mintJwt, mintMachine } from '../support/access-table.js';

let latchkey: Latchkey;
let zitadel: ZitadelClient;
let backend: SignedInPerson;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  zitadel = new ZitadelClient(latchkey);
  backend = await asBackend(latchkey);
});
afterAll(() => latchkey.stop());

/** The ids that a search finds, and its total. */
async function found(
  token: string,
  body: object = {},
): Promise<{ ids: string[]; total: string | undefined }> {
  const { details, sessions = [] } = (await zitadel.search(token, body).expect(200)).body;
  return { ids: sessions.map(({ id }: { id: string }) => id), total: details.totalResult };
}

const byIds = (...ids: string[]) => ({ idsQuery: { ids } });
const soon = (milliseconds: number) => new Date(latchkey.clock.milliseconds() + milliseconds).toISOString();

describe('POST /zitadel/v2/sessions/search', () => {
  describe('200', () => {
    it('finds one’s own sessions, with an empty query and with none', async () => {
      const user = await latchkey.asUser();
      const other = await latchkey.signIn(user);
      const mine = [other.sessionId, user.sessionId];
      expect(await found(user.token)).toEqual({ ids: mine, total: '2' });
      expect(await found(user.token, { query: {}, queries: [] })).toEqual({ ids: mine, total: '2' });
      const bare = await request(latchkey.url)
        .post('/zitadel/v2/sessions/search')
        .set('Authorization', `Bearer ${user.token}`)
        .expect(200);
      expect(bare.body.details.totalResult).toBe('2');
    });

    it('SECURITY 70: tells a user without `session.read` of nobody else, and counts nobody else', async () => {
      const user = await latchkey.asUser();
      const victim = await latchkey.addUser();
      const agent = { userAgent: { fingerprintId: 'the agent of a victim' } };
      const { sessionId } = await zitadel.open(backend.token, victim, agent);
      const queries = [
        byIds(sessionId),
        byIds(sessionId, user.sessionId),
        { userIdQuery: { id: victim.id } },
        { creatorQuery: { id: backend.id } },
        { userAgentQuery: { fingerprintId: 'the agent of a victim' } },
        {
          creationDateQuery: {
            creationDate: '2020-01-01T00:00:00Z',
            method: 'TIMESTAMP_QUERY_METHOD_GREATER',
          },
        },
      ];
      for (const query of queries) {
        const { ids, total } = await found(user.token, { queries: [query] });
        expect(ids.filter((id) => id !== user.sessionId)).toEqual([]);
        expect(total ?? '0').toBe(String(ids.length));
      }
      expect(await found(user.token)).toEqual({ ids: [user.sessionId], total: '1' });
    });

    it('SECURITY 71: tells an opener without `session.read` of what it opened, and of no other opener’s', async () => {
      const [one, two] = await Promise.all([1, 2].map(() => latchkey.asUser({ rights: ['session.write'] })));
      const victim = await latchkey.addUser();
      const [first, second] = [
        await zitadel.open(one!.token, victim),
        await zitadel.open(two!.token, victim),
      ];
      expect((await found(one!.token)).ids).toEqual([first.sessionId, one!.sessionId]);
      expect((await found(two!.token)).ids).toEqual([second.sessionId, two!.sessionId]);
      const { sessions } = (await zitadel.search(one!.token, { queries: [byIds(first.sessionId)] })).body;
      expect(sessions[0].factors.user).toEqual({ id: victim.id, verifiedAt: expect.any(String) }); // names: user.read
    });

    it('shows pending sessions to their opener alone', async () => {
      const victim = await latchkey.addUser();
      const { sessionId } = await zitadel.name(backend.token, victim);
      const nobodys = (await zitadel.create(backend.token).expect(201)).body.sessionId;
      const admin = await latchkey.asAdmin();
      const user = await latchkey.signIn(victim);
      const query = { queries: [byIds(sessionId, nobodys)] };
      expect((await found(backend.token, query)).ids).toEqual([nobodys, sessionId]);
      expect((await found(admin.token, query)).total).toBeUndefined();
      expect((await found(user.token, query)).total).toBeUndefined();
    });

    it('SECURITY 23: shows nobody a session that owes its second factor, nor one whose window has passed', async () => {
      const careful = await asCareful(latchkey);
      const pending = await latchkey.signIn(careful);
      expect((await found(careful.token)).ids).toEqual([careful.sessionId]);
      const { sessionId } = await zitadel.name(backend.token, careful);
      await latchkey.sql(`UPDATE sessions SET created_at = created_at - interval '301 s' WHERE id = $1`, [
        sessionId,
      ]);
      expect((await found(backend.token, { queries: [byIds(sessionId, pending.sessionId)] })).ids).toEqual(
        [],
      );
    });

    it('asks by each of the six queries, and by all of them at once', async () => {
      const [person, stranger] = [await latchkey.addUser(), await latchkey.addUser()];
      const agent = { userAgent: { fingerprintId: 'six queries' } };
      const lasting = await zitadel.open(backend.token, person, { ...agent, lifetime: '7200s' });
      const brief = await zitadel.open(backend.token, stranger, { ...agent, lifetime: '60s' });
      const [one, both] = [[lasting.sessionId], [brief.sessionId, lasting.sessionId]];
      const later = { expirationDate: soon(3_600_000), method: 'TIMESTAMP_QUERY_METHOD_GREATER' };
      const since = { creationDate: soon(-60_000), method: 'TIMESTAMP_QUERY_METHOD_GREATER_OR_EQUALS' };
      const ours = { userAgentQuery: { fingerprintId: 'six queries' } };
      const queries = {
        idsQuery: { ids: [lasting.sessionId] },
        userIdQuery: { id: person.id },
        creationDateQuery: since,
        expirationDateQuery: later,
        creatorQuery: {},
        userAgentQuery: ours.userAgentQuery,
      };
      const asked = Object.entries(queries).map(([name, query]) => ({ [name]: query }));
      expect((await found(backend.token, { queries: asked })).ids).toEqual(one);
      for (const name of ['idsQuery', 'userIdQuery', 'expirationDateQuery'] as const) {
        const answered = await found(backend.token, { queries: [ours, { [name]: queries[name] }] });
        expect(answered).toEqual({ ids: one, total: '1' });
      }
      for (const name of ['creationDateQuery', 'creatorQuery', 'userAgentQuery'] as const) {
        expect((await found(backend.token, { queries: [ours, { [name]: queries[name] }] })).ids).toEqual(
          both,
        );
      }
    });

    it('compares dates by each of the five methods', async () => {
      const { sessionId } = await zitadel.open(backend.token, await latchkey.addUser());
      const { creationDate } = (await zitadel.get(sessionId, backend.token)).body.session;
      const holds = async (method: string, at: string) => {
        const creationDateQuery = { creationDate: at, method: `TIMESTAMP_QUERY_METHOD_${method}` };
        return (
          (await found(backend.token, { queries: [byIds(sessionId), { creationDateQuery }] })).ids.length ===
          1
        );
      };
      const before = new Date(Date.parse(creationDate) - 1).toISOString();
      const table = [
        ['EQUALS', [true, false]],
        ['GREATER', [false, true]],
        ['GREATER_OR_EQUALS', [true, true]],
        ['LESS', [false, false]],
        ['LESS_OR_EQUALS', [true, false]],
      ] as const;
      for (const [method, expected] of table) {
        expect([method, await holds(method, creationDate), await holds(method, before)]).toEqual([
          method,
          ...expected,
        ]);
      }
      const byDefault = { creationDateQuery: { creationDate } }; // EQUALS is the enum’s zero
      expect((await found(backend.token, { queries: [byIds(sessionId), byDefault] })).ids).toEqual([
        sessionId,
      ]);
    });

    it('counts what never expires as expiring later than any date, and as earlier than none', async () => {
      const user = await latchkey.asUser();
      await mintMachine(latchkey, user.token, false);
      const expiring = async (method: string) => {
        const expirationDateQuery = { expirationDate: '9999-12-31T00:00:00Z', method };
        return (await found(user.token, { queries: [{ expirationDateQuery }] })).ids.length;
      };
      expect(await expiring('TIMESTAMP_QUERY_METHOD_GREATER')).toBe(1);
      expect(await expiring('TIMESTAMP_QUERY_METHOD_GREATER_OR_EQUALS')).toBe(1);
      expect(await expiring('TIMESTAMP_QUERY_METHOD_LESS')).toBe(1); // the browser session alone
    });

    it('sorts by creation date, descending unless `asc`', async () => {
      const user = await latchkey.asUser();
      const [second, third] = [await latchkey.signIn(user), await latchkey.signIn(user)];
      // The order of dates, not that of ids.
      await latchkey.sql(`UPDATE sessions SET created_at = created_at - interval '1 h' WHERE id = $1`, [
        second.sessionId,
      ]);
      const sortingColumn = 'SESSION_FIELD_NAME_CREATION_DATE';
      const ascending = [second.sessionId, user.sessionId, third.sessionId];
      expect((await found(user.token, { sortingColumn, query: { asc: true } })).ids).toEqual(ascending);
      expect((await found(user.token, { sortingColumn })).ids).toEqual([...ascending].reverse());
      expect((await found(user.token, { sorting_column: 1 })).ids).toEqual([...ascending].reverse());
    });

    it('answers a page, and the total whatever the page', async () => {
      const user = await latchkey.asUser();
      for (let more = 0; more < 3; more++) await latchkey.signIn(user);
      const all = await found(user.token);
      expect(await found(user.token, { query: { limit: 2 } })).toEqual({
        ids: all.ids.slice(0, 2),
        total: '4',
      });
      expect(await found(user.token, { query: { offset: '1', limit: 2 } })).toEqual({
        ids: all.ids.slice(1, 3),
        total: '4',
      });
      expect(await found(user.token, { query: { offset: 9 } })).toEqual({ ids: [], total: '4' });
      expect((await found(user.token, { query: { limit: 0 } })).ids).toEqual(all.ids);
    });

    it('DECISIONS 4: takes an id of a wrong alphabet for an unknown one', async () => {
      const user = await latchkey.asUser();
      const odd = ['', 'abc', '0', '-1', '01', '1e3', '9223372036854775808', '1 OR 1=1', '²', 'null'];
      expect((await found(user.token, { queries: [byIds(...odd)] })).ids).toEqual([]);
      expect((await found(user.token, { queries: [byIds(...odd, user.sessionId)] })).ids).toEqual([
        user.sessionId,
      ]);
      for (const id of odd.slice(1)) {
        expect((await found(user.token, { queries: [{ userIdQuery: { id } }] })).ids).toEqual([]);
        expect((await found(user.token, { queries: [{ creatorQuery: { id } }] })).ids).toEqual([]);
      }
    });

    it('answers a read-only token and a JWT, since nothing is written', async () => {
      const user = await latchkey.asUser();
      const readOnly = await mintMachine(latchkey, user.token, true);
      expect((await found(readOnly)).total).toBe('2');
      expect((await found(await mintJwt(latchkey, user.token))).total).toBe('2');
    });

    it('ignores members that it does not know', async () => {
      const user = await latchkey.asUser();
      expect((await found(user.token, { nonsense: { deep: [1] }, query: { of: 'x' } })).total).toBe('1');
    });
  });

  describe('400', () => {
    const LIMIT = refusal(3, 'Limit exceeded', 'QUERY-4M0fs');
    const queries = (number: number) => Array.from({ length: number }, () => byIds('1'));

    it.each([
      ['1,000 queries', { queries: queries(1_000) }],
      ['21 queries', { queries: queries(21) }],
      ['a limit of a billion', { query: { limit: 1e9 } }],
      ['a limit of 1,001', { query: { limit: 1_001 } }],
      ['an offset of a billion', { query: { offset: '1000000000' } }],
      ['an offset of 64 bits', { query: { offset: '18446744073709551615' } }],
      ['1,001 ids', { queries: [byIds(...Array.from({ length: 1_001 }, (_, n) => String(n)))] }],
    ])('SECURITY 106: refuses %s', async (_, body) => {
      const answer = await zitadel.search(backend.token, body).expect(400);
      expect(answer.body).toEqual(LIMIT);
    });

    it('takes as much as is allowed', async () => {
      const ids = Array.from({ length: 1_000 }, (_, n) => String(n));
      await zitadel.search(backend.token, { query: { limit: 1_000, offset: 1_000_000 } }).expect(200);
      await zitadel.search(backend.token, { queries: [...queries(19), byIds(...ids)] }).expect(200);
    });

    it.each([
      ['an empty query', {}, 'GRPC-Sfefs'],
      ['a query that is none of the six', { orQuery: { queries: [byIds('1')] } }, 'GRPC-Sfefs'],
      ['an empty creator', { creatorQuery: { id: '' } }, 'GRPC-x8n24uh'],
      ['the caller’s agent, when it has none', { userAgentQuery: {} }, 'GRPC-x8n23uh'],
      [
        'a method of a number that is none',
        { creationDateQuery: { creationDate: '2026-01-01T00:00:00Z', method: 5 } },
        'GRPC-Dwigt',
      ],
    ])('refuses %s', async (_, query, id) => {
      const { body } = await zitadel.search(backend.token, { queries: [query] }).expect(400);
      expect(body).toEqual(refusal(3, 'List.Query.Invalid', id));
    });

    it.each([
      ['two queries in one', { queries: [{ idsQuery: {}, userIdQuery: {} }] }, 'queries[0].userIdQuery'],
      ['a member in both spellings', { sortingColumn: 0, sorting_column: 0 }, 'sortingColumn'],
      ['queries that are no list', { queries: { idsQuery: {} } }, 'queries'],
      ['a query that is a text', { queries: ['idsQuery'] }, 'queries[0]'],
      ['ids that are numbers', { queries: [{ idsQuery: { ids: [1] } }] }, 'queries[0].idsQuery.ids'],
      ['an id with a NUL', { queries: [byIds('1\0')] }, 'queries[0].idsQuery.ids'],
      [
        'a creator of 201 characters',
        { queries: [{ creatorQuery: { id: 'x'.repeat(201) } }] },
        'queries[0].creatorQuery.id',
      ],
      [
        'a date without a time',
        { queries: [{ creationDateQuery: { creationDate: '2026-01-01' } }] },
        'queries[0].creationDateQuery.creationDate',
      ],
      [
        'a date query without a date',
        { queries: [{ creationDateQuery: {} }] },
        'queries[0].creationDateQuery.creationDate',
      ],
      [
        'the 30th of February',
        { queries: [{ expirationDateQuery: { expirationDate: '2026-02-30T00:00:00Z' } }] },
        'queries[0].expirationDateQuery.expirationDate',
      ],
      [
        'an unknown method',
        { queries: [{ creationDateQuery: { creationDate: '2026-01-01T00:00:00Z', method: 'LESS' } }] },
        'queries[0].creationDateQuery.method',
      ],
      ['an unknown column', { sortingColumn: 'id; DROP TABLE sessions' }, 'sortingColumn'],
      ['a negative limit', { query: { limit: -1 } }, 'query.limit'],
      ['half a limit', { query: { limit: 0.5 } }, 'query.limit'],
      ['a limit in words', { query: { limit: 'ten' } }, 'query.limit'],
      ['`asc` as a text', { query: { asc: 'true' } }, 'query.asc'],
      ['a list for a body', [], 'body'],
    ])('refuses %s, and names the member', async (_, body, place) => {
      const answer = await zitadel.search(backend.token, body).expect(400);
      expect(answer.body).toEqual(refusal(3, `invalid value: ${place}`));
    });

    it.each([
      ['broken JSON', '{"query":'],
      ['one member twice', '{"query":{},"query":{}}'],
      ['33 levels', `${'['.repeat(33)}${']'.repeat(33)}`],
    ])('refuses %s in ZITADEL’s words', async (_, text) => {
      const { status, headers, body } = await send('/zitadel/v2/sessions/search', text);
      expect([status, headers['content-type'], body.code]).toEqual([400, 'application/json', 3]);
    });
  });

  describe('401', () => {
    it('says that the header is missing', async () => {
      const answer = await zitadel.search(null).expect(401);
      expect(answer.body).toEqual({ code: 16, message: 'auth header missing' });
      expect(answer.headers['www-authenticate']).toContain('auth header missing');
    });

    it.each(['no-token', '01234567-89ab-cdef-0123-456789abcdef', 'e30.e30.e30'])(
      'says that a token is invalid: %s',
      async (token) => {
        const answer = await zitadel.search(token).expect(401);
        expect(answer.body).toEqual(refusal(16, 'Token is invalid', 'AUTH-7fs1e'));
      },
    );

    it('says so of a token that was revoked through the native API, at the next request', async () => {
      const user = await latchkey.asUser();
      await zitadel.search(user.token).expect(200);
      await latchkey.delete(`/api/v2/sessions/${user.sessionId}`, user.token).expect(204);
      await zitadel.search(user.token).expect(401);
    });
  });

  describe('403', () => {
    it('SECURITY 23: refuses the token of a session that owes its second factor', async () => {
      const { token } = await latchkey.signIn(await asCareful(latchkey));
      const { body } = await zitadel.search(token).expect(403);
      expect(body.code).toBe(7);
    });
  });

  describe('the errors of the framework, in ZITADEL’s words', () => {
    it('404: an unknown path', async () => {
      const { body } = await latchkey.get('/zitadel/v2/nothing', backend.token).expect(404);
      expect(body).toEqual({ code: 5, message: 'Not Found' });
    });

    it('405: a wrong verb, with code 12', async () => {
      const answer = await latchkey.put('/zitadel/v2/sessions/1', backend.token).expect(405);
      expect(answer.body).toEqual({ code: 12, message: 'Method Not Allowed' });
      expect(answer.headers.allow).toBe('DELETE, GET, HEAD, OPTIONS, PATCH');
    });

    it('413: a body past 64 KiB', async () => {
      const { status, body } = await send('/zitadel/v2/sessions/search', `{"x":"${'x'.repeat(65_536)}"}`);
      expect([status, body.code]).toEqual([413, 8]);
    });

    it('415: a body that is no JSON', async () => {
      const { status, body } = await send(
        '/zitadel/v2/sessions/search',
        'a=b',
        'application/x-www-form-urlencoded',
      );
      expect([status, body]).toEqual([415, { code: 3, message: 'Send application/json' }]);
    });
  });
});

async function send(path: string, text: string, type = 'application/json') {
  return request(latchkey.url)
    .post(path)
    .set('Authorization', `Bearer ${backend.token}`)
    .set('Content-Type', type)
    .send(text);
}
