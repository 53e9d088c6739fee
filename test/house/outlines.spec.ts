import { describe, expect, it } from '@jest/globals';
import * as clerk from '../../src/faces/clerk/translate.js';
import * as lendix from '../../src/faces/lendix/translate.js';
import * as portos from '../../src/faces/portos/translate.js';
import * as zitadel from '../../src/faces/zitadel/translate.js';
import {
  SESSION_AND_USER,
  type Outline,
  type Outlined,
  type SessionColumn,
  type UserColumn,
} from '../../src/sessions/session.columns.js';
import { Session } from '../../src/sessions/session.entity.js';
import { OUTLINE, outlineResource } from '../../src/sessions/session.resource.js';
import { User } from '../../src/users/user.entity.js';

const NOW = new Date('2026-11-21T12:00:00.000Z');

/** Everything is set; once with what was said of the agent, once with what was seen of it. */
const AGENTS = [{ ip: '192.0.2.7' }, null];

type AnyOutline = Outline<SessionColumn, UserColumn>;
type Lists = Readonly<Record<string, readonly [AnyOutline, (session: Session) => unknown]>>;

const LISTS: Lists = {
  native: [OUTLINE, (row) => Object.values(outlineResource.attributes).map((shown) => shown.read(row))],
  Lendix: [lendix.OUTLINE, (row) => lendix.showSession(row, NOW)],
  'Clerk, all': [clerk.OUTLINE, (row) => clerk.writeSessionsOf(new Person(), [], [row], NOW)],
  'Clerk, active': [clerk.ACTIVITY, (row) => clerk.fromActiveSession(row, NOW)],
  PORTOS: [portos.OUTLINE, portos.toPortosSession],
  ZITADEL: [zitadel.OUTLINE, zitadel.writeSession],
};

class Person extends User {
  override id = '7';
  override email = 'ada@example.com';
  override firstName = 'Ada';
  override lastName = 'Lovelace';
  override createdAt = NOW;
  override updatedAt = NOW;
}

describe('a list', () => {
  it.each(Object.entries(LISTS))(
    'of %s reads the columns that it shows, and no others',
    (_, [outline, show]) => {
      const ofSession = new Set<string>();
      const ofUser = new Set<string>();
      for (const agent of AGENTS) {
        const user = noting(new Person(), ofUser);
        show(noting(Object.assign(new Session(), { ...everything(), agent, user }), ofSession));
      }
      expect(columnsIn(ofSession, SESSION_AND_USER.session)).toEqual([...outline.session].sort());
      expect(columnsIn(ofUser, SESSION_AND_USER.user)).toEqual([...outline.user].sort());
    },
  );

  it('can show no others: TypeScript does not let it', () => {
    const show = (session: Outlined<Outline<'name', 'email'>>) => {
      // @ts-expect-error -- a column that is not read
      const { name, note } = session;
      // @ts-expect-error -- one of the user
      const { email, locale } = session.user!;
      // @ts-expect-error -- a question that takes columns which are not read
      const isLive = session.isLive(NOW);
      return { name, note, email, locale, isLive };
    };
    expect(show(Object.assign(new Session(), { name: 'x', user: new Person() }))).toMatchObject({
      name: 'x',
    });
  });
});

/** An entity that notes what is read of it, its own methods included. */
function noting<T extends object>(entity: T, read: Set<string>): T {
  return new Proxy(entity, {
    get(target, name, receiver): unknown {
      if (typeof name === 'string') read.add(name);
      return Reflect.get(target, name, receiver);
    },
  });
}

/** Whose it is, is read of every session. */
function columnsIn(read: ReadonlySet<string>, columns: readonly string[]): string[] {
  return columns.filter((name) => read.has(name) && name !== 'id' && name !== 'userId').sort();
}

function everything(): Partial<Session> {
  const numbers = { version: 2, latitude: 48.2, longitude: 16.4 };
  const ids = { id: '62', userId: '7', organizationId: '3', browserId: '4' };
  const instants = SESSION_AND_USER.session.filter((name) => name.endsWith('At')).map((name) => [name, NOW]);
  return {
    ...(Object.fromEntries(instants) as Partial<Session>),
    ...numbers,
    ...ids,
    status: 'active',
    metadata: { a: 'b' },
  };
}
