import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cast, describeAccess, type AccessRow } from '../support/access-table.js';
import { Latchkey } from '../support/latchkey.js';
import { ZitadelClient } from '../support/zitadel.js';

/**
 * Who gets what at a route that acts on a session of somebody else. An unknown session is 404 to read, 400 to set and
 * 200, with nothing done, to end; a foreign one is the same. The administrator has just proved who they are.
 */
// prettier-ignore
const TABLE: readonly AccessRow[] = [
  //                                                        none pend ro   mach jwt  other lesser admin
  { route: 'POST /zitadel/v2/sessions/search',    answers: [401, 403, 200, 200, 200, 200, 200, 200] },
  { route: 'POST /zitadel/v2/sessions',           answers: [401, 403, 403, 403, 403, 403, 403, 201] },
  { route: 'GET /zitadel/v2/sessions/:id',        answers: [401, 403, 404, 404, 404, 404, 200, 200] },
  { route: 'PATCH /zitadel/v2/sessions/:id',      answers: [401, 403, 403, 400, 403, 400, 403, 200] },
  { route: 'DELETE /zitadel/v2/sessions/:id',     answers: [401, 403, 403, 200, 403, 200, 403, 200] },
];

let latchkey: Latchkey;
let cast: Cast;
let zitadel: ZitadelClient;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  cast = await Cast.of(latchkey);
  zitadel = new ZitadelClient(latchkey);
});
afterAll(() => latchkey.stop());

describe('every route of ZITADEL and every kind of caller', () => {
  describeAccess(
    (path) => path.startsWith('/zitadel/'),
    TABLE,
    () => ({ latchkey, cast }),
    async (route, actor) => {
      const answer = await call(route, await cast.tokenOf(actor), cast.victim.sessionId);
      // 200 to a stranger's end says that there was nothing: the victim has to be there still.
      const isNothing = answer.status === 200 && JSON.stringify(answer.body) === '{"details":{}}';
      if (isNothing) await cast.expectVictimUntouched();
      return answer;
    },
  );

  it.each(TABLE.filter(({ route }) => route.includes(':id')))(
    'SECURITY 63: $route answers for what is somebody else’s as for what does not exist',
    async ({ route }) => {
      const token = await cast.tokenOf('other_user');
      const foreign = await call(route, token, cast.victim.sessionId);
      const unknown = await call(route, token, '987654321');
      expect([foreign.status, foreign.body]).toEqual([unknown.status, unknown.body]);
      await cast.expectVictimUntouched();
    },
  );

  it.each(TABLE)('SECURITY 67: $route asks for a credential that is live', async ({ route }) => {
    const ended = await latchkey.asUser();
    await latchkey.delete(`/api/v2/sessions/${ended.sessionId}`, ended.token).expect(204);
    for (const token of ['e30.e30.e30', '01234567-89ab-cdef-0123-456789abcdef', ended.token]) {
      expect((await call(route, token, '1')).status).toBe(401);
    }
  });
});

function call(route: string, token: string | null, id: string): ReturnType<ZitadelClient['call']> {
  const [method, path] = route.split(' ') as [string, string];
  const verb = method.toLowerCase() as 'get' | 'post' | 'patch' | 'delete';
  const below = path.replace('/zitadel/v2/sessions', '').replace(':id', id);
  const body = verb === 'patch' ? { metadata: { a: 'YQ==' } } : verb === 'post' ? {} : undefined;
  return zitadel.call(verb, below, token, body);
}
