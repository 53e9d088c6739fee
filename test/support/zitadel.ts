import request, { type Test } from 'supertest';
import { PASSWORD, type Door, type Person, type SignedInPerson } from './door.js';
import type { Latchkey } from './latchkey.js';

/** An application's account: what signing others in takes, and seeing who they are. */
export const BACKEND_RIGHTS = ['session.read', 'session.write', 'session.delete', 'user.read'];

/** A session as its opener has it. */
export interface Composed {
  readonly sessionId: string;
  readonly sessionToken: string;
}

/** Speaks to `/zitadel/v2/sessions` as its clients do. */
export class ZitadelClient {
  constructor(private readonly door: Door) {}

  search(token: string | null, body?: object): Test {
    return this.call('post', '/search', token, body ?? {});
  }

  get(id: string, token: string | null, sessionToken?: string): Test {
    const query = sessionToken === undefined ? '' : `?sessionToken=${encodeURIComponent(sessionToken)}`;
    return this.call('get', `/${id}${query}`, token);
  }

  create(token: string | null, body?: object): Test {
    return this.call('post', '', token, body ?? {});
  }

  set(id: string, token: string | null, body?: object): Test {
    return this.call('patch', `/${id}`, token, body ?? {});
  }

  delete(id: string, token: string | null, body?: object): Test {
    return this.call('delete', `/${id}`, token, body);
  }

  /** A session that is open for someone without a second factor. */
  async open(token: string, person: Person, more: object = {}): Promise<Composed> {
    const checks = { user: { loginName: person.email }, password: { password: PASSWORD } };
    return (await this.create(token, { checks, ...more }).expect(201)).body;
  }

  /** A session that names someone and proves nothing. */
  async name(token: string, person: Person, more: object = {}): Promise<Composed> {
    return (await this.create(token, { checks: { user: { userId: person.id } }, ...more }).expect(201)).body;
  }

  /** The status of asking natively who one is: whether a credential opens anything. */
  async statusOf(token: string): Promise<number> {
    return (await this.door.get('/api/v2/sessions/current', token)).status;
  }

  call(method: 'get' | 'post' | 'patch' | 'delete', path: string, token: string | null, body?: object): Test {
    const test = request(this.door.url)[method](`/zitadel/v2/sessions${path}`);
    if (token !== null) void test.set('Authorization', `Bearer ${token}`);
    return body === undefined
      ? test
      : test.set('Content-Type', 'application/json').send(JSON.stringify(body));
  }
}

/** The account of an application, signed in. */
export function asBackend(latchkey: Latchkey): Promise<SignedInPerson> {
  return latchkey.asUser({ rights: BACKEND_RIGHTS });
}

/** A refusal as ZITADEL words it. */
export function refusal(code: number, message: string, id?: string, type = 'ErrorDetail'): object {
  if (id === undefined) return { code, message };
  const details = [{ '@type': `type.googleapis.com/zitadel.v1.${type}`, id, message }];
  return { code, message: `${message} (${id})`, details };
}
