import { describe, expect, it } from '@jest/globals';
import { document, type Latchkey, type SignedInPerson } from './latchkey.js';
import { routesOf } from './routes.js';
import { asCareful, type Careful } from './second-factor.js';

/** Every kind of caller. `lesser_admin` holds `user.read` and `session.read`; all but the admins are nobody special. */
export const ACTORS = [
  'none',
  'pending',
  'read_only',
  'machine',
  'jwt',
  'other_user',
  'lesser_admin',
  'admin',
] as const;
export type Actor = (typeof ACTORS)[number];

/** Who gets what at a route that acts on what is somebody else's. */
export interface AccessRow {
  /** Method and path as the router declares them; the parameters stand for what the victim owns. */
  readonly route: string;
  /** The answer to each actor, in the order of `ACTORS`. */
  readonly answers: readonly number[];
}

/** One caller of each kind, and a victim who is none of them. */
export class Cast {
  private constructor(
    private readonly latchkey: Latchkey,
    readonly people: Readonly<Record<'other_user' | 'lesser_admin' | 'admin', SignedInPerson>>,
    private readonly tokens: Readonly<Record<Exclude<Actor, 'none' | 'pending'>, string>>,
    public victim: Careful,
  ) {}

  static async of(latchkey: Latchkey): Promise<Cast> {
    const people = {
      other_user: await latchkey.asUser(),
      lesser_admin: await latchkey.asUser({ rights: ['user.read', 'session.read'] }),
      admin: await latchkey.asAdmin(),
    };
    const { token } = people.other_user;
    const tokens = {
      other_user: token,
      lesser_admin: people.lesser_admin.token,
      admin: people.admin.token,
      read_only: await mintMachine(latchkey, token, true),
      machine: await mintMachine(latchkey, token, false),
      jwt: await mintJwt(latchkey, token),
    };
    return new Cast(latchkey, people, tokens, await asCareful(latchkey));
  }

  /** The native token of an actor; a pending session lives for minutes only, so each time it is a new one. */
  async tokenOf(actor: Actor): Promise<string | null> {
    if (actor === 'none') return null;
    if (actor === 'pending') return (await this.latchkey.signIn(await asCareful(this.latchkey))).token;
    return this.tokens[actor];
  }

  /** The id of the user whose token `tokenOf` gives; the pending one's is not known before. */
  userIdOf(actor: Exclude<Actor, 'none' | 'pending'>): string {
    return actor === 'lesser_admin' || actor === 'admin' ? this.people[actor].id : this.people.other_user.id;
  }

  /** A new victim, in the place of one to whom something was done. */
  async replaceVictim(): Promise<void> {
    this.victim = await asCareful(this.latchkey);
  }

  /** Still signed in, with the second factor, and not renamed by anyone who was refused. */
  async expectVictimUntouched(): Promise<void> {
    const path = '/api/v2/sessions/current?include=user';
    const { body } = await this.latchkey.get(path, this.victim.token).expect(200);
    expect(body.data.attributes.two_factor_auth).toBe(true);
    expect([body.data.attributes.note, body.included[0].attributes.first_name]).toEqual([null, null]);
  }
}

/**
 * The promises of an access table: every route of these paths is in it, and each answers each actor as it says.
 * @param rig what is there once the tests run
 * @param call sends the request of a row, as the actor, about the victim
 */
export function describeAccess(
  covers: (path: string) => boolean,
  table: readonly AccessRow[],
  rig: () => { latchkey: Latchkey; cast: Cast },
  call: (route: string, actor: Actor) => Promise<{ status: number }>,
): void {
  it('SECURITY 63: every route is in the table: one that is missing there fails here', () => {
    const covered = routesOf(rig().latchkey.app).filter(({ path }) => covers(path));
    expect(table.map(({ route }) => route).sort()).toEqual(
      covered.map(({ method, path }) => `${method} ${path}`).sort(),
    );
  });

  describe.each(table)('$route', ({ route, answers }) => {
    it.each(ACTORS.map((actor, index) => ({ actor, status: answers[index]! })))(
      'SECURITY 63: answers $status to $actor',
      async ({ actor, status }) => {
        const { cast } = rig();
        expect((await call(route, actor)).status).toBe(status);
        if (status < 300 && !route.startsWith('GET') && route.includes(':')) await cast.replaceVictim();
        else await cast.expectVictimUntouched();
      },
    );
  });
}

/** A machine token of whoever's token it is. */
export async function mintMachine(latchkey: Latchkey, token: string, readOnly: boolean): Promise<string> {
  const body = document('sessions', { name: 'ci', read_only: readOnly });
  const minted = await latchkey.post('/api/v2/sessions/machine', token, body).expect(201);
  return minted.body.data.attributes.token as string;
}

/** A JWT of whoever's token it is, valid for an hour. */
export async function mintJwt(latchkey: Latchkey, token: string): Promise<string> {
  const minted = await latchkey.post('/api/v2/sessions/jwt?expires_in=3600', token).expect(201);
  return minted.body.jwt as string;
}
