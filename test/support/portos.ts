import { expect } from '@jest/globals';
import request, { type Test } from 'supertest';
import { PASSWORD, type Door, type Person } from './door.js';

/** What `POST /portos/api/auth` answers. */
export interface PortosCredential {
  readonly tokenId: string;
  readonly refreshToken: string;
  readonly user: { readonly id: string; readonly userName: string };
}

/** Speaks to the PORTOS face as its clients do: `Authorization: Bearer`, plain JSON. */
export class PortosClient {
  constructor(private readonly door: Door) {}

  call(method: 'get' | 'post' | 'delete', path: string, token: string | null, body?: object): Test {
    const test = request(this.door.url)[method](`/portos${path}`);
    if (token !== null) void test.set('Authorization', `Bearer ${token}`);
    return body === undefined
      ? test
      : test.set('Content-Type', 'application/json').send(JSON.stringify(body));
  }

  get(path: string, token: string | null): Test {
    return this.call('get', path, token);
  }

  post(path: string, token: string | null, body: object): Test {
    return this.call('post', path, token, body);
  }

  delete(path: string, token: string | null): Test {
    return this.call('delete', path, token);
  }

  /** Signs in as PORTOS does. @param more members beside name, password and device */
  async signIn(
    { email, password = PASSWORD }: Pick<Person, 'email'> & Partial<Person>,
    more: object = {},
  ): Promise<PortosCredential> {
    const body = { UserName: email, Password: password, DeviceName: 'P01', ...more };
    return (await this.post('/api/auth', null, body).expect(200)).body as PortosCredential;
  }

  /** The ids of the sessions that a list answers. */
  async idsOf(path: string, token: string): Promise<string[]> {
    const { body } = await this.get(path, token).expect(200);
    return (body as { items: { sessionId: string }[] }).items.map(({ sessionId }) => sessionId);
  }
}

/** The body of a refusal, its trace id apart. */
export function problem(status: number, title: string, detail: string, more: object = {}): object {
  return { title, status, detail, traceId: expect.any(String), ...more };
}
