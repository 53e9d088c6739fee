import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { toLendixId } from '../../src/faces/lendix/translate.js';
import { Cast, describeAccess, type AccessRow, type Actor } from '../support/access-table.js';
import { lendix } from '../support/apis.js';
import { Latchkey } from '../support/latchkey.js';
import { asCareful } from '../support/second-factor.js';

/** Who gets what at a route that acts on a session of somebody else: its owner alone may, whatever others' rights. */
// prettier-ignore
const TABLE: readonly AccessRow[] = [
  //                                                 none pend ro   mach jwt  other lesser admin
  { route: 'POST /lendix/sessions',        answers: [401, 401, 401, 401, 401, 401, 401, 401] },
  { route: 'GET /lendix/sessions',         answers: [401, 403, 200, 200, 200, 200, 200, 200] },
  { route: 'GET /lendix/sessions/:id',     answers: [401, 403, 404, 404, 404, 404, 404, 404] },
  { route: 'POST /lendix/sessions/:id',    answers: [401, 403, 403, 404, 403, 404, 404, 404] },
  { route: 'DELETE /lendix/sessions/:id',  answers: [401, 403, 403, 404, 403, 404, 404, 404] },
];

let latchkey: Latchkey;
let cast: Cast;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  cast = await Cast.of(latchkey);
});
afterAll(() => latchkey.stop());

interface Seat {
  readonly token: string;
  readonly userId: string;
}

async function seatOf(actor: Actor): Promise<Seat | null> {
  if (actor === 'none') return null;
  if (actor === 'pending') {
    const person = await asCareful(latchkey);
    return { token: (await latchkey.signIn(person)).token, userId: person.id };
  }
  return { token: (await cast.tokenOf(actor))!, userId: cast.userIdOf(actor) };
}

function call(route: string, seat: Seat | null, sessionId: string): ReturnType<typeof lendix> {
  const [method = '', path = ''] = route.split(' ');
  const body = path.endsWith(':id')
    ? { secured: true, codeOrigin: 'email' }
    : { email: 'nobody@example.com', password: 'not the password' };
  const below = path.replace('/lendix', '').replace(':id', toLendixId(sessionId));
  const verb = method.toLowerCase() as 'get' | 'post' | 'delete';
  return lendix(latchkey, verb, below, seat, verb === 'post' ? body : undefined);
}

describe('every route of Lendix and every kind of caller', () => {
  describeAccess(
    (path) => path.startsWith('/lendix/'),
    TABLE,
    () => ({ latchkey, cast }),
    async (route, actor) => call(route, await seatOf(actor), cast.victim.sessionId),
  );

  it.each(TABLE.filter(({ route }) => route.includes(':id')))(
    'SECURITY 63: $route answers for what is somebody else’s as for what does not exist',
    async ({ route }) => {
      for (const actor of ['other_user', 'admin'] as const) {
        const foreign = await call(route, await seatOf(actor), cast.victim.sessionId);
        const unknown = await call(route, await seatOf(actor), '987654321');
        expect([foreign.status, foreign.text]).toEqual([404, unknown.text]);
      }
    },
  );

  it.each(TABLE.filter(({ route }) => route !== 'POST /lendix/sessions'))(
    'SECURITY 67: $route asks for a credential that is live, of the user that is named beside it',
    async ({ route }) => {
      const ended = await latchkey.asUser();
      await latchkey.delete(`/api/v2/sessions/${ended.sessionId}`, ended.token).expect(204);
      const live = (await cast.tokenOf('other_user'))!;
      for (const seat of [
        { token: ended.token, userId: ended.id },
        { token: '0'.repeat(32), userId: ended.id },
        { token: live, userId: ended.id },
        { token: live, userId: '987654321' },
      ]) {
        const answer = await call(route, seat, cast.victim.sessionId);
        expect([answer.status, answer.body]).toEqual([401, { error: 'You are not signed in.' }]);
      }
    },
  );
});
