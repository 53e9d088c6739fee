import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Cast,
  describeAccess,
  mintJwt,
  mintMachine,
  type AccessRow,
  type Actor,
} from '../support/access-table.js';
import { Latchkey } from '../support/latchkey.js';
import { PortosClient } from '../support/portos.js';
import { toPortosId } from '../../src/faces/portos/translate.js';

const NO_SIGN_IN = { userName: 'nobody@example.com', password: 'not the password', deviceName: 'P01' };
const NO_TOKENS = { tokenId: 'x', refreshToken: 'x' };

/** Who gets what at a route that acts on a session of somebody else; `api/auth` acts on the caller's own. */
// prettier-ignore
const TABLE: readonly AccessRow[] = [
  //                                                        none pend ro   mach jwt  other lesser admin
  { route: 'POST /portos/api/auth',               answers: [401, 401, 401, 401, 401, 401, 401, 401] },
  { route: 'GET /portos/api/auth',                answers: [401, 401, 200, 200, 200, 200, 200, 200] },
  { route: 'DELETE /portos/api/auth',             answers: [401, 401, 403, 204, 403, 204, 204, 204] },
  { route: 'POST /portos/api/auth/refresh',       answers: [401, 401, 401, 401, 401, 401, 401, 401] },
  { route: 'GET /portos/sessions',                answers: [401, 401, 200, 200, 200, 200, 200, 200] },
  { route: 'GET /portos/api/sessions',            answers: [401, 401, 200, 200, 200, 200, 200, 200] },
  { route: 'GET /portos/sessions/:id',            answers: [401, 401, 404, 404, 404, 404, 200, 200] },
  { route: 'GET /portos/api/sessions/:id',        answers: [401, 401, 404, 404, 404, 404, 200, 200] },
  { route: 'DELETE /portos/sessions/:id',         answers: [401, 401, 403, 404, 403, 404, 403, 200] },
  { route: 'DELETE /portos/api/sessions/:id',     answers: [401, 401, 403, 404, 403, 404, 403, 200] },
];

let latchkey: Latchkey;
let cast: Cast;
let portos: PortosClient;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  cast = await Cast.of(latchkey);
  portos = new PortosClient(latchkey);
});
afterAll(() => latchkey.stop());

describe('every route of PORTOS and every kind of caller', () => {
  describeAccess(
    (path) => path.startsWith('/portos/'),
    TABLE,
    () => ({ latchkey, cast }),
    async (route, actor) => {
      // Whoever signs out is gone: that is nobody of the cast.
      const token = route === 'DELETE /portos/api/auth' ? await passerBy(actor) : await cast.tokenOf(actor);
      return call(route, token, toPortosId(cast.victim.sessionId));
    },
  );

  it.each(TABLE.filter(({ route }) => route.includes(':id')))(
    'SECURITY 63: $route answers for what is somebody else’s as for what does not exist',
    async ({ route }) => {
      const token = await cast.tokenOf('other_user');
      const foreign = await call(route, token, toPortosId(cast.victim.sessionId));
      const unknown = await call(route, token, toPortosId('987654321'));
      expect(foreign.status).toBe(404);
      expect({ ...foreign.body, traceId: '' }).toEqual({ ...unknown.body, traceId: '' });
    },
  );

  it.each(TABLE.filter(({ route }) => !route.startsWith('POST')))(
    'SECURITY 67: $route asks for a credential that is live',
    async ({ route }) => {
      const person = await latchkey.addUser();
      const ended = await portos.signIn(person);
      await portos.delete('/api/auth', ended.tokenId).expect(204);
      for (const token of ['e30.e30.e30', '01234567-89ab-cdef-0123-456789abcdef', ended.tokenId]) {
        expect((await call(route, token, toPortosId('1'))).status).toBe(401);
      }
    },
  );
});

function call(route: string, token: string | null, id: string): ReturnType<PortosClient['get']> {
  const [method, path] = route.split(' ') as [string, string];
  const body = path.endsWith('/refresh') ? NO_TOKENS : NO_SIGN_IN;
  const verb = method.toLowerCase() as 'get' | 'post' | 'delete';
  const below = path.replace('/portos', '').replace(':id', id);
  return portos.call(verb, below, token, verb === 'post' ? body : undefined);
}

/** A credential of the actor's kind, of somebody new. */
async function passerBy(actor: Actor): Promise<string | null> {
  if (actor === 'none' || actor === 'pending') return cast.tokenOf(actor);
  const rights = { lesser_admin: ['user.read', 'session.read'], admin: ['*'] }[actor as string] ?? [];
  const { token } = await latchkey.asUser({ rights });
  if (actor === 'jwt') return mintJwt(latchkey, token);
  if (actor === 'read_only' || actor === 'machine')
    return mintMachine(latchkey, token, actor === 'read_only');
  return token;
}
