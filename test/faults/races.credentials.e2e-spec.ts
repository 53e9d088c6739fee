import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Response } from 'supertest';
import { OPERATOR } from '../../src/caller.js';
import { toLendixId } from '../../src/faces/lendix/translate.js';
import { KeysService } from '../../src/keys/keys.service.js';
import { UsersService } from '../../src/users/users.service.js';
import { APIS, lendix } from '../support/apis.js';
import { ClerkBrowser, claimsOf, ORIGIN } from '../support/clerk-browser.js';
import { document, Latchkey, PASSWORD, type SignedInPerson } from '../support/latchkey.js';
import { addOrganization, organizationsOf } from '../support/organizations.js';
import { PortosClient } from '../support/portos.js';
import { holdsInEveryOrder, outcome, type Superseding, type Use } from '../support/race.js';
import { asCareful, forgetAttempts, synchronise, validateOtp } from '../support/second-factor.js';
import { signInUse } from '../support/sign-ins.js';
import { asBackend, ZitadelClient } from '../support/zitadel.js';

jest.setTimeout(60_000);

let instances: [Latchkey, Latchkey];
let first: Latchkey;
let backend: SignedInPerson;
let admin: SignedInPerson;

beforeAll(async () => {
  const settings = { ALLOWED_ORIGINS: ORIGIN, PASSWORD_CONCURRENCY: '4', DATABASE_POOL_SIZE: '20' };
  first = await Latchkey.start(settings);
  instances = [first, await Latchkey.start(settings, first)];
  backend = await asBackend(first);
  admin = await first.asAdmin();
});
afterAll(async () => {
  await instances?.[1].stop();
  await first?.stop();
});
beforeEach(() => forgetAttempts(first));

const current =
  (token: string, refusals?: number[]): Use =>
  async (on) =>
    outcome(await on.get('/api/v2/sessions/current', token), refusals);

async function done(request: PromiseLike<Response>): Promise<Response> {
  const answer = await request;
  expect([answer.status < 300, answer.text]).toEqual([true, answer.text]);
  return answer;
}

/** Both instances at one moment, as codes of an app need it. */
async function careful() {
  const person = await asCareful(first);
  synchronise(instances[1], first);
  return person;
}

/** What puts a new credential in the place of an old one; the new one has to work afterwards. */
const ROTATIONS: readonly [string, () => Promise<Superseding>][] = [
  [
    'validate_otp',
    async () => {
      const person = await careful();
      const { sessionId, token } = await first.signIn(person);
      let next = '';
      return {
        uses: [current(token), async (on) => outcome(await on.get('/api/v2/sessions', token))],
        act: async (on) => {
          const { body } = await done(
            validateOtp(on, sessionId, { otp: first.codeNow(person.secret) }, token),
          );
          next = body.data.attributes.token;
        },
        afterwards: async (on) => void (await on.get('/api/v2/sessions', next).expect(200)),
      };
    },
  ],
  [
    'Lendix’s code',
    async () => {
      const person = await careful();
      const { email, password, id: userId } = person;
      const { session } = (await lendix(first, 'post', '/sessions', null, { email, password }).expect(200))
        .body;
      let next = '';
      return {
        uses: [async (on) => outcome(await lendix(on, 'get', '/sessions', { token: session.token, userId }))],
        act: async (on) => {
          const code = { code: first.codeNow(person.secret) };
          const seat = { token: session.token as string, userId };
          next = (await done(lendix(on, 'post', `/sessions/${session.id}`, seat, code))).body.session.token;
        },
        afterwards: async (on) =>
          void (await lendix(on, 'get', '/sessions', { token: next, userId }).expect(200)),
      };
    },
  ],
  [
    'a refresh',
    async () => {
      const { email, password } = await first.addUser();
      const draft = document('sessions', { email, password, refreshable: true });
      const { body } = await first.post('/api/v2/sessions', null, draft).expect(201);
      const { token } = body.data.attributes;
      return renewal(current(token), async (on) => {
        const answer = await on.post('/api/v2/sessions/refresh', token, document('sessions', body.meta));
        return [answer, current(answer.body.data?.attributes.token as string)];
      });
    },
  ],
  [
    'PORTOS’ refresh',
    async () => {
      const { tokenId, refreshToken } = await new PortosClient(first).signIn(await first.addUser());
      const profile =
        (token: string): Use =>
        async (on) =>
          outcome(await new PortosClient(on).get('/api/auth', token));
      return renewal(profile(tokenId), async (on) => {
        const answer = await new PortosClient(on).post('/api/auth/refresh', null, { tokenId, refreshToken });
        return [answer, profile(answer.body.tokenId as string)];
      });
    },
  ],
  [
    'ZITADEL’s change of a session',
    async () => {
      const { sessionId, sessionToken } = await new ZitadelClient(first).open(
        backend.token,
        await first.addUser(),
      );
      let next = '';
      return {
        uses: [
          current(sessionToken),
          async (on) => outcome(await new ZitadelClient(on).search(sessionToken)),
        ],
        act: async (on) => {
          const change = { metadata: { plan: 'Z29sZA==' } };
          next = (await done(new ZitadelClient(on).set(sessionId, backend.token, change))).body.sessionToken;
        },
        afterwards: async (on) => void (await on.get('/api/v2/sessions', next).expect(200)),
      };
    },
  ],
  ['another sign-in in Clerk’s browser', () => inBrowser((browser, other) => browser.signIn(other))],
  ['Clerk’s emptying of a browser', () => inBrowser((browser) => done(browser.delete('/client/sessions')))],
  ['Clerk’s end of a browser', () => inBrowser((browser) => done(browser.delete('/client')))],
];

/** Of all that renew with the same tokens one succeeds, and what that one got lives on. */
function renewal(old: Use, renew: (on: Latchkey) => Promise<[Response, Use]>): Superseding {
  const won: Use[] = [];
  const once: Use = async (on) => {
    const [answer, next] = await renew(on);
    const renewed = outcome(answer);
    if (renewed.isAccepted) won.push(next);
    return renewed;
  };
  return {
    uses: [old, once],
    act: once,
    afterwards: async (on) => {
      expect(won).toHaveLength(1);
      expect(await won[0]!(on)).toMatchObject({ isAccepted: true });
    },
  };
}

/** A browser with someone in it, under the credential that it had at first. */
async function inBrowser(
  act: (browser: ClerkBrowser, other: SignedInPerson) => Promise<unknown>,
): Promise<Superseding> {
  const [person, other] = [await first.addUser(), await first.asUser()];
  const browser = new ClerkBrowser(first);
  const id = await browser.signIn(person);
  const { cookie } = browser;
  const as = (on: Latchkey) => Object.assign(new ClerkBrowser(on), { cookie });
  return {
    uses: [
      async (on) => outcome(await as(on).post(`/client/sessions/${id}/tokens`), [401, 404]),
      async (on) => outcome(await as(on).get('/me/sessions'), [401, 404]),
    ],
    act: (on) => act(as(on), other),
  };
}

describe('a credential that another one took the place of', () => {
  it.each(ROTATIONS)('opens nothing once %s was answered', async (_, prepare) => {
    await holdsInEveryOrder(instances, prepare);
  });
});

describe('signing in by password alone', () => {
  it.each<[string, (person: SignedInPerson) => (on: Latchkey) => Promise<unknown>]>([
    [
      'the password is another',
      ({ id, token, password }) =>
        (on) => {
          const change = { password: 'another battery staple', current_password: password };
          return done(on.patch(`/api/v2/users/${id}`, token, document('users', change, { id })));
        },
    ],
    [
      'the address is another',
      ({ id, token, password }) =>
        (on) => {
          const change = { email: `moved${id}@example.com`, current_password: password };
          return done(on.patch(`/api/v2/users/${id}`, token, document('users', change, { id })));
        },
    ],
    [
      'a second factor is on',
      (person) => (on) => {
        synchronise(on, first);
        return on.enableTwoFactor(person);
      },
    ],
    [
      'the account is closed',
      ({ id }) =>
        (on) =>
          done(on.delete(`/api/v2/users/${id}`, admin.token)),
    ],
  ])(
    'opens nothing through any API, from before or from after, once it was answered that %s',
    async (_, ends) => {
      await holdsInEveryOrder(instances, async () => {
        await forgetAttempts(first);
        const person = await first.asUser();
        return {
          uses: APIS.map((api) => signInUse(api, person, backend)),
          act: async (on) => ends(person)(on),
        };
      });
    },
  );
});

describe('what somebody may', () => {
  it('is over once it was answered that their rights are withdrawn', async () => {
    await holdsInEveryOrder(instances, async () => {
      const [helper, other] = [await first.asAdmin(), await first.asUser()];
      const { id } = await first.addUser();
      const no = [403, 404];
      return {
        uses: [
          async (on) => outcome(await on.get(`/api/v2/users/${other.id}`, helper.token), no),
          async (on) => outcome(await on.get(`/api/v2/sessions/${other.sessionId}`, helper.token), no),
          async (on) =>
            outcome(
              await on.patch(
                `/api/v2/users/${id}`,
                helper.token,
                document('users', { first_name: 'x' }, { id }),
              ),
              no,
            ),
          async (on) => outcome(await new ZitadelClient(on).create(helper.token), no),
        ],
        act: (on) => on.app.get(UsersService, { strict: false }).setRights(OPERATOR, helper.id, []),
      };
    });
  });

  it('is no member’s any more once it was answered that they are out of the organisation', async () => {
    await holdsInEveryOrder(instances, async () => {
      const person = await first.asUser();
      const { id } = await addOrganization(first, [person]);
      const browser = new ClerkBrowser(first);
      const session = await browser.signIn(person);
      await browser
        .post(`/client/sessions/${session}/touch`, { active_organization_id: await slugOf(id) })
        .expect(200);
      const { cookie } = browser;
      const own = document('sessions', { organization_id: Number(id) }, { id: person.sessionId });
      return {
        uses: [
          async (on) => {
            const answer = await Object.assign(new ClerkBrowser(on), { cookie }).post(
              `/client/sessions/${session}/tokens`,
            );
            return { ...outcome(answer), isAccepted: claimsOf(answer.body.jwt as string).o !== undefined };
          },
          async (on) =>
            outcome(await on.patch(`/api/v2/sessions/${person.sessionId}`, person.token, own), [422]),
          async (on) => {
            const answer = await on.get(
              '/api/v2/sessions/current?fields[sessions]=organization_id',
              person.token,
            );
            return { ...outcome(answer), isAccepted: answer.body.data.attributes.organization_id !== null };
          },
        ],
        act: (on) => organizationsOf(on).removeMember(OPERATOR, id, person.id),
      };
    });
  });

  it.each([0, 30_000, -30_000])(
    'is not shown by a JWT any more once it was answered that all keys are replaced at once (clocks %d ms apart)',
    async (apart) => {
      const second = instances[1];
      synchronise(second, first);
      second.clock.move(apart);
      await holdsInEveryOrder(instances, async () => {
        const { token } = await first.asUser();
        const mint = async (on: Latchkey) =>
          on.post('/api/v2/sessions/jwt?expires_in=3600', token).expect(201);
        const jwts = await Promise.all(instances.map(async (on) => (await mint(on)).body.jwt as string));
        return {
          uses: jwts.map((jwt) => current(jwt)),
          act: (on) => on.app.get(KeysService, { strict: false }).rotate(true),
          afterwards: async (on) => void (await on.get('/api/v2/sessions/current', token).expect(200)),
        };
      });
      synchronise(second, first);
    },
  );
});

describe('codes', () => {
  it('that recover open nothing once it was answered that there are new ones', async () => {
    await holdsInEveryOrder(instances, async () => {
      await forgetAttempts(first);
      const person = await careful();
      const pending = await Promise.all(Array.from({ length: 6 }, () => first.signIn(person)));
      const use =
        ({ sessionId }: { sessionId: string }, n: number): Use =>
        async (on) =>
          outcome(
            await validateOtp(on, sessionId, { otp: person.recoveryCodes[n % 5]! }),
            [401, 403, 422, 429],
          );
      return {
        uses: pending.slice(1).map(use),
        act: (on) => {
          const proof = document('otp_enrollments', {
            password: PASSWORD,
            otp: first.codeNow(person.secret),
          });
          return done(
            on.post(`/api/v2/otp_enrollments/${person.enrollmentId}/recovery_codes`, person.token, proof),
          );
        },
      };
    });
  });
});

/** One code through every API, at both instances. */
function throughAll(person: Awaited<ReturnType<typeof careful>>, kind: 'totp' | 'recoveryCode') {
  const { id: userId, email, password } = person;
  return async (code: string): Promise<string[]> => {
    const tries = await Promise.all(
      instances.map(async (on) => {
        const native = await on.signIn(person);
        const opened = (await lendix(on, 'post', '/sessions', null, { email, password }).expect(200)).body
          .session;
        const browser = new ClerkBrowser(on);
        const begun = (await browser.post('/client/sign_ins', { identifier: email, password }).expect(200))
          .body.response;
        const strategy = kind === 'totp' ? 'totp' : 'backup_code';
        const portos = { UserName: email, Password: password, DeviceName: 'P', otp: code };
        const checks = { user: { userId }, password: { password }, [kind]: { code } };
        return [
          () => validateOtp(on, native.sessionId, { otp: code }),
          () =>
            lendix(on, 'post', `/sessions/${opened.id}`, { token: opened.token as string, userId }, { code }),
          () => browser.post(`/client/sign_ins/${begun.id}/attempt_second_factor`, { strategy, code }),
          () => new PortosClient(on).post('/api/auth', null, portos),
          () => new ZitadelClient(on).create(backend.token, { checks }),
        ];
      }),
    );
    const answers = await Promise.all(tries.flat().map(async (attempt) => attempt()));
    return answers.map(({ status }, n) => `${APIS[n % 5]!} ${status}`);
  };
}

describe('one code through all APIs at once', () => {
  it.each(['totp', 'recoveryCode'] as const)(
    'SECURITY 27, 42: opens one session, whichever it is (%s)',
    async (kind) => {
      for (let round = 0; round < 3; round++) {
        await forgetAttempts(first);
        const person = await careful();
        const code = kind === 'totp' ? first.codeNow(person.secret) : person.recoveryCodes[0]!;
        const said = await throughAll(person, kind)(code);
        expect(said.filter((one) => /5\d\d$/.test(one))).toEqual([]);
        expect(said.filter((one) => /20\d$/.test(one))).toHaveLength(1);
      }
    },
  );

  it('SECURITY 32, 33: ten wrong ones are looked at in all', async () => {
    const person = await careful();
    const wrong = () => throughAll(person, 'totp')('000000');
    const said = (await Promise.all([wrong(), wrong(), wrong()])).flat();
    const lookedAt = ['native 422', 'lendix 400', 'clerk 422', 'portos 401', 'zitadel 400'];
    expect(said.filter((one) => lookedAt.includes(one)).length).toBeLessThanOrEqual(10);
    expect(said.filter((one) => /(5\d\d|20\d)$/.test(one))).toEqual([]);
    const pending = await first.signIn(person);
    await validateOtp(first, pending.sessionId, { otp: first.codeNow(person.secret) }).expect(429);
  });

  it('SECURITY 16: ten wrong passwords of one account are looked at in all', async () => {
    const person = { ...(await first.addUser()), password: 'not the password' };
    const uses = APIS.map((api) => signInUse(api, person, backend));
    const tries = Array.from({ length: 40 }, (_, n) => uses[n % 5]!(instances[n % 2]!));
    const said = (await Promise.all(tries)).map(({ status }) => status);
    expect(said.filter((status) => status !== 429).length).toBeLessThanOrEqual(10);
    await first
      .post('/api/v2/sessions', null, document('sessions', { email: person.email, password: PASSWORD }))
      .expect(429);
  });
});

describe('one session', () => {
  it('is ended once, through whichever API', async () => {
    for (let round = 0; round < 5; round++) {
      const person = await first.asUser();
      const { token, id: userId } = person;
      const { sessionId } = await first.signIn(person);
      const ends = instances.flatMap((on) => [
        async () => (await on.delete(`/api/v2/sessions/${sessionId}`, token)).status === 204,
        async () =>
          (await lendix(on, 'delete', `/sessions/${toLendixId(sessionId)}`, { token, userId })).status ===
          200,
        async () =>
          Object.keys((await new ZitadelClient(on).delete(sessionId, token)).body.details as object).length >
          0,
      ]);
      const ended = await Promise.all(ends.map((end) => end()));
      expect(ended.filter(Boolean)).toHaveLength(1);
    }
  });
});

async function slugOf(organizationId: string): Promise<string> {
  const [row] = await first.sql<{ slug: string }>('SELECT slug FROM organizations WHERE id = $1', [
    organizationId,
  ]);
  return row!.slug;
}
