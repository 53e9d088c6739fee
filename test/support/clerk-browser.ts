import { expect } from '@jest/globals';
import request, { type Response, type Test } from 'supertest';
import { ORIGIN, type Door, type Person } from './door.js';
import type { Latchkey } from './latchkey.js';
import type { Careful } from './second-factor.js';

export { ORIGIN };
/** What an instance has to be started with, so that `ClerkBrowser` may speak to it. */
export const SETTINGS = { FACES: 'clerk', ALLOWED_ORIGINS: ORIGIN };

/**
 * Whoever speaks Clerk's Frontend API by forms: a page of an allowed origin with the cookie that it was given, or a
 * native app, which has no origin.
 */
export class ClerkBrowser {
  /** The credential, as the cookie has it, or the header of a native app. */
  cookie: string | null = null;

  constructor(
    private readonly door: Door,
    readonly origin = door.origin,
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
    const test = request(this.door.url)[method](whole);
    if (this.origin === null) void test.query({ _is_native: '1' });
    else void test.set('Origin', this.origin);
    if (this.cookie !== null) {
      void (this.origin === null
        ? test.set('Authorization', this.cookie)
        : test.set('Cookie', `__client=${this.cookie}`));
    }
    return test.on('response', (response: Response) => this.keepCookie(response));
  }

  /** Signs somebody without a second factor in. @returns the id of the session, as this API writes it */
  async signIn({ email, password }: Pick<Person, 'email' | 'password'>): Promise<string> {
    const { body } = await this.post('/client/sign_ins', { identifier: email, password }).expect(200);
    expect(body.response.status).toBe('complete');
    return body.response.created_session_id as string;
  }

  /** Signs somebody with a second factor in, by the next code of their app. @returns the id of the session */
  signInCarefully(latchkey: Latchkey, careful: Careful): Promise<string> {
    latchkey.clock.move(30_000); // the code before this one may be spent
    return this.signInWithCode(careful, 'totp', latchkey.codeNow(careful.secret));
  }

  /** Signs somebody with a second factor in by a code. @returns the id of the session */
  async signInWithCode(
    { email, password }: Pick<Person, 'email' | 'password'>,
    strategy: 'totp' | 'backup_code',
    code: string,
  ): Promise<string> {
    const begun = await this.post('/client/sign_ins', { identifier: email, password }).expect(200);
    expect(begun.body.response.status).toBe('needs_second_factor');
    const path = `/client/sign_ins/${begun.body.response.id}/attempt_second_factor`;
    const { body } = await this.post(path, { strategy, code }).expect(200);
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
    const given: string | undefined = this.origin === null ? response.headers.authorization : undefined;
    if (given !== undefined) this.cookie = given === '' ? null : given;
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
