import type { Response } from 'supertest';
import { lendix, type Api } from './apis.js';
import { ClerkBrowser } from './clerk-browser.js';
import { document, type Latchkey, type Person } from './latchkey.js';
import { PortosClient } from './portos.js';
import type { Use } from './race.js';
import { ZitadelClient } from './zitadel.js';

/** A sign-in by password alone: its answer, and a request of that API that only who is signed in is answered. */
export interface Entry {
  readonly answer: Response;
  readonly ask: (on: Latchkey) => PromiseLike<Response>;
}

/** Signing in by password through each API, whatever comes of it. @param backend who signs others in with ZITADEL's */
export const SIGN_INS: Readonly<
  Record<Api, (on: Latchkey, person: Person, backend: { readonly token: string }) => Promise<Entry>>
> = {
  async native(on, { email, password }) {
    const answer = await on.post('/api/v2/sessions', null, document('sessions', { email, password }));
    const token = (answer.body.data?.attributes.token ?? 'none') as string;
    return { answer, ask: (where) => where.get('/api/v2/sessions', token) };
  },
  async lendix(on, { id: userId, email, password }) {
    const answer = await lendix(on, 'post', '/sessions', null, { email, password });
    const token = (answer.body.session?.token ?? 'none') as string;
    return { answer, ask: (where) => lendix(where, 'get', '/sessions', { token, userId }) };
  },
  async clerk(on, { email, password }) {
    const browser = new ClerkBrowser(on);
    const answer = await browser.post('/client/sign_ins', { identifier: email, password });
    const path = `/client/sessions/${answer.body.response?.created_session_id ?? 'none'}/tokens`;
    const { cookie } = browser;
    return { answer, ask: (where) => Object.assign(new ClerkBrowser(where), { cookie }).post(path) };
  },
  async portos(on, { email: UserName, password: Password }) {
    const body = { UserName, Password, DeviceName: 'P01' };
    const answer = await new PortosClient(on).post('/api/auth', null, body);
    const token = (answer.body.tokenId ?? 'none') as string;
    return { answer, ask: (where) => new PortosClient(where).get('/api/auth', token) };
  },
  async zitadel(on, { email: loginName, password }, { token: backend }) {
    const checks = { user: { loginName }, password: { password } };
    const answer = await new ZitadelClient(on).create(backend, { checks });
    const token = (answer.body.sessionToken ?? 'none') as string;
    return { answer, ask: (where) => new ZitadelClient(where).search(token) };
  },
};

/** Signing in, and asking for something at once: accepted when that was answered. */
export function signInUse(api: Api, person: Person, backend: { readonly token: string }): Use {
  return async (on) => {
    const { answer, ask } = await SIGN_INS[api](on, person, backend);
    if (answer.status >= 500) throw new Error(`${answer.status}: ${answer.text}`);
    const asked: Use = async (where) => {
      const { status, text } = await ask(where);
      if (status >= 500) throw new Error(`${status}: ${text}`);
      return { status, isAccepted: status === 200 };
    };
    if (answer.status >= 300) return { status: answer.status, isAccepted: false };
    return { ...(await asked(on)), gained: asked };
  };
}
