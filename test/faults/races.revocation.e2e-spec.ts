import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mintMachine } from '../support/access-table.js';
import { APIS, enter, lendix, type Api, type Seat } from '../support/apis.js';
import { ORIGIN } from '../support/clerk-browser.js';
import { document, Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { PortosClient } from '../support/portos.js';
import { holdsInEveryOrder, outcome, type Use } from '../support/race.js';
import { forgetAttempts } from '../support/second-factor.js';
import { asBackend, ZitadelClient } from '../support/zitadel.js';

jest.setTimeout(60_000);

const NEW_PASSWORD = 'another battery staple';
let instances: [Latchkey, Latchkey];
let first: Latchkey;
let admin: SignedInPerson;
let backend: SignedInPerson;

beforeAll(async () => {
  const settings = { ALLOWED_ORIGINS: ORIGIN, PASSWORD_CONCURRENCY: '4', DATABASE_POOL_SIZE: '20' };
  first = await Latchkey.start(settings);
  instances = [first, await Latchkey.start(settings, first)];
  instances[1].clock.move(-40_000); // no two machines' clocks agree
  admin = await first.asAdmin();
  backend = await asBackend(first);
});
afterAll(async () => {
  await instances?.[1].stop();
  await first?.stop();
});
beforeEach(() => forgetAttempts(first));

/** Whatever a session's token opens, by every API that takes it; and the JWTs that it got. */
function usesOf(token: string, userId: string): Use[] {
  const withJwt: Use = async (on) => {
    const minted = await on.post('/api/v2/sessions/jwt?expires_in=3600', token);
    return outcome(minted, [401], current(minted.body.jwt as string));
  };
  return [
    current(token),
    withJwt,
    async (on) => outcome(await on.get('/api/v2/sessions?include=user', token)),
    async (on) => outcome(await on.patch('/api/v2/users/me', token, document('users', {}))),
    async (on) =>
      outcome(await on.post('/api/v2/sessions/machine', token, document('sessions', { name: 'x' }))),
    async (on) => outcome(await lendix(on, 'get', '/sessions', { token, userId })),
    async (on) => outcome(await new PortosClient(on).get('/api/auth', token)),
    async (on) => outcome(await new ZitadelClient(on).search(token)),
  ];
}

function current(token: string): Use {
  return async (on) => outcome(await on.get('/api/v2/sessions/current', token));
}

function usesOfSeat(seat: Seat, userId: string): Use[] {
  const own: Use = async (on) => outcome(await seat.ask(on), [401, 404]);
  return seat.token === null ? [own] : [own, ...usesOf(seat.token, userId)];
}

/** What ends a session for good: each gives what a request of it does, and is answered when it is done. */
const ENDS: readonly [
  string,
  (seat: Seat, elsewhere: SignedInPerson) => (on: Latchkey) => PromiseLike<unknown>,
][] = [
  ['by its own API', (seat) => (on) => answered(seat.revoke(on, seat.sessionId))],
  [
    'by an administrator',
    (seat) => (on) => answered(on.delete(`/api/v2/sessions/${seat.sessionId}`, admin.token)),
  ],
  [
    'with all others',
    (_, { token }) =>
      (on) =>
        answered(on.post('/api/v2/sessions/revoke', token)),
  ],
  [
    'by a new password',
    (_, { id, token, password }) =>
      (on) => {
        const change = { password: NEW_PASSWORD, current_password: password };
        return answered(on.patch(`/api/v2/users/${id}`, token, document('users', change, { id })));
      },
  ],
  [
    'with the whole account',
    (_, { id }) =>
      (on) =>
        answered(on.delete(`/api/v2/users/${id}`, admin.token)),
  ],
];

async function answered(request: PromiseLike<{ status: number; text: string }>): Promise<void> {
  const { status, text } = await request;
  expect([status, text]).toEqual([status < 300 ? status : 'done', text]);
}

describe.each(APIS)('a session opened through the API of %s', (api: Api) => {
  it.each(ENDS)('opens nothing once it was answered that it is ended %s', async (_, ends) => {
    await holdsInEveryOrder(instances, async () => {
      const elsewhere = await first.asUser();
      const seat = await enter(api, first, elsewhere, backend);
      return { uses: usesOfSeat(seat, elsewhere.id), act: async (on) => ends(seat, elsewhere)(on) };
    });
  });
});

describe('a machine token', () => {
  it.each<[string, (sessionId: string, owner: SignedInPerson) => (on: Latchkey) => PromiseLike<unknown>]>([
    [
      'is ended',
      (id, { token }) =>
        (on) =>
          answered(on.delete(`/api/v2/sessions/${id}`, token)),
    ],
    [
      'loses its owner',
      (_, { id }) =>
        (on) =>
          answered(on.delete(`/api/v2/users/${id}`, admin.token)),
    ],
  ])('opens nothing, nor do its JWTs, once it was answered that it %s', async (_, ends) => {
    await holdsInEveryOrder(instances, async () => {
      const owner = await first.asUser();
      const token = await mintMachine(first, owner.token, false);
      const { body } = await first.get('/api/v2/sessions/current', token).expect(200);
      return {
        uses: usesOf(token, owner.id).filter((_, index) => index !== 4), // it mints no other
        act: async (on) => ends(body.data.id as string, owner)(on),
      };
    });
  });
});
