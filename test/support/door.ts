import request, { type Test } from 'supertest';

export const JSON_API = 'application/vnd.api+json';
export const PASSWORD = 'correct horse battery';
/** Of the pages that speak to an instance, where a test does not say otherwise. */
export const ORIGIN = 'https://app.example.com';

/** A service that runs somewhere, spoken to over HTTP. */
export class Door {
  /** @param origin of the pages that speak to it by cookies; null when only apps do, which need none */
  constructor(
    readonly url: string,
    readonly origin: string | null = ORIGIN,
  ) {}

  /** Signs someone in over HTTP; for a user with a second factor the session is pending. */
  async signIn({ email, password }: Pick<Person, 'email' | 'password'>): Promise<Credential> {
    const response = await this.post(
      '/api/v2/sessions',
      null,
      document('sessions', { email, password }),
    ).expect(201);
    const { id, attributes } = response.body.data;
    return { sessionId: id, token: attributes.token };
  }

  get(path: string, token: string | null): Test {
    return this.call('get', path, token);
  }

  post(path: string, token: string | null, body?: object): Test {
    return this.call('post', path, token, body);
  }

  put(path: string, token: string | null, body?: object): Test {
    return this.call('put', path, token, body);
  }

  patch(path: string, token: string | null, body?: object): Test {
    return this.call('patch', path, token, body);
  }

  delete(path: string, token: string | null, body?: object): Test {
    return this.call('delete', path, token, body);
  }

  private call(
    method: 'get' | 'post' | 'put' | 'patch' | 'delete',
    path: string,
    token: string | null,
    body?: object,
  ): Test {
    const test = request(this.url)[method](path).set('Accept', JSON_API);
    if (token !== null) void test.set('X-Auth-Token', token);
    return body === undefined ? test : test.set('Content-Type', JSON_API).send(JSON.stringify(body));
  }
}

export interface Person {
  readonly id: string;
  readonly email: string;
  readonly password: string;
}

export interface Credential {
  readonly sessionId: string;
  readonly token: string;
}

export type SignedInPerson = Person & Credential;

/** A request document. */
export function document(type: string, attributes: object, more: object = {}): object {
  return { data: { type, attributes, ...more } };
}
