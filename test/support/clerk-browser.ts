import { expect } from '@jest/globals';
import request, { type Response, type Test } from 'supertest';
import type { Latchkey, Person } from './latchkey.js';
import type { Careful } from './second-factor.js';

export const ORIGIN = 'https://app.example.com';
/** What an instance has to be started with, so that `ClerkBrowser` may speak to it. */
export const SETTINGS = { FACES: 'clerk', ALLOWED_ORIGINS: ORIGIN };

/** A page of an allowed origin that speaks Clerk's Frontend API: forms, and the cookie that it was given. */
export class ClerkBrowser {
  /** The credential, as the cookie has it. */
  cookie: string | null = null;

  constructor(
    private readonly latchkey: Latchkey,
    readonly origin = ORIGIN,
  ) {}

  get(path: string): Test {
    return this.call('get', path);
  }

  post(path: string, form: Record<string, string> = {}): Test {
    return this.call('post', path).type('form').send(new URLSearchParams(form).toString());
  }

  delete(path: string): Test {
    return this.call('delete', path);
  }

  /** A request below `/clerk/v1`, or of the whole path when it begins with `/clerk`. */
  call(method: 'get' | 'post' | 'put' | 'patch' | 'delete', path: string): Test {
    const whole = path.startsWith('/clerk/') ? path : `/clerk/v1${path}`;
    const test = request(this.latchkey.url)[method](whole).set('Origin', this.origin);
    if (this.cookie !== null) void test.set('Cookie', `__client=${this.cookie}`);
    return test.on('response', (response: Response) => this.keepCookie(response));
  }

  /** Signs somebody without a second factor in. @returns the id of the session, as this API writes it */
  async signIn({ email, password }: Pick<Person, 'email' | 'password'>): Promise<string> {
    const { body } = await this.post('/client/sign_ins', { identifier: email, password }).expect(200);
    expect(body.response.status).toBe('complete');
    return body.response.created_session_id as string;
  }

  /** Signs somebody with a second factor in, by the next code of their app. @returns the id of the session */
  async signInCarefully({ email, password, secret }: Careful): Promise<string> {
    const begun = await this.post('/client/sign_ins', { identifier: email, password }).expect(200);
    expect(begun.body.response.status).toBe('needs_second_factor');
    this.latchkey.clock.move(30_000); // the code before this one may be spent
    const form = { strategy: 'totp', code: this.latchkey.codeNow(secret) };
    const path = `/client/sign_ins/${begun.body.response.id}/attempt_second_factor`;
    const { body } = await this.post(path, form).expect(200);
    return body.response.created_session_id as string;
  }

  /** The claims of a token of a session. */
  async claims(sessionId: string, form: Record<string, string> = {}): Promise<Record<string, unknown>> {
    const { body } = await this.post(`/client/sessions/${sessionId}/tokens`, form).expect(200);
    return claimsOf(body.jwt as string);
  }

  /** The status of asking for a token: whether a session is accepted. */
  async statusOf(sessionId: string): Promise<number> {
    return (await this.post(`/client/sessions/${sessionId}/tokens`)).status;
  }

  private keepCookie(response: Response): void {
    for (const cookie of setCookies(response)) {
      const [, value] = /^__client=([^;]*)/.exec(cookie) ?? [];
      if (value !== undefined) this.cookie = value === '' ? null : value;
    }
  }
}

/** The cookies that an answer sets, with their attributes. */
export function setCookies({ headers }: Pick<Response, 'headers'>): string[] {
  return (headers['set-cookie'] as unknown as string[] | undefined) ?? [];
}

/** The code of an error answer, and the form's parameter that it names. */
export function errorOf({ body }: Pick<Response, 'body'>): [code: string, param?: string] {
  const [error] = body.errors as { code: string; meta?: { param_name: string } }[];
  return error!.meta === undefined ? [error!.code] : [error!.code, error!.meta.param_name];
}

export function claimsOf(jwt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
}
