import { expect } from '@jest/globals';
import request, { type Response, type Test } from 'supertest';
import { toId as toClerkId, fromId as fromClerkId } from '../../src/faces/clerk/ids.js';
import { fromLendixId, toLendixId } from '../../src/faces/lendix/translate.js';
import { fromPortosId, toPortosId } from '../../src/faces/portos/translate.js';
import { ClerkBrowser } from './clerk-browser.js';
import { document, type Door, type Person } from './door.js';
import { PortosClient } from './portos.js';
import { ZitadelClient } from './zitadel.js';

/** The five APIs. */
export const APIS = ['native', 'lendix', 'clerk', 'portos', 'zitadel'] as const;
export type Api = (typeof APIS)[number];

/** What an API says of one session, in its own words; undefined for what its document has no words for. */
export interface Said {
  /** What there is to see of the last step-up. */
  readonly proved: unknown;
  readonly organization?: unknown;
  readonly metadata?: unknown;
}

/** Somebody signed in through one API, who speaks that API. Sessions are named by the core's ids throughout. */
export interface Seat {
  readonly api: Api;
  readonly sessionId: string;
  /** A token of the session that every API but Clerk takes; null where the credential is a browser's. */
  token: string | null;
  /** A request of this API that only a live session is answered. */
  ask(on: Door): Promise<Response>;
  /** The ids of the user's live sessions, in order. */
  sessionIds(on: Door): Promise<string[]>;
  /** What it says of one of the user's sessions. */
  describe(on: Door, id: string): Promise<Said>;
  /** Ends one of the user's sessions. */
  revoke(on: Door, id: string): Promise<Response>;
}

/**
 * Signs somebody in through an API as its clients do.
 * @param backend the account of an application that signs others in, as ZITADEL's clients are
 * @param code of the second factor, for who has one
 */
export function enter(
  api: Api,
  on: Door,
  person: Person,
  backend: { readonly token: string },
  code?: () => string,
): Promise<Seat> {
  return OPENERS[api](on, person, backend.token, code);
}

/** The answers of every API that takes tokens to a request that only a live session is answered. */
export function askEverywhere(on: Door, token: string, userId: string): Promise<Response[]> {
  return Promise.all([
    on.get('/api/v2/sessions/current', token),
    lendix(on, 'get', '/sessions', { token, userId }),
    new PortosClient(on).get('/api/auth', token),
    new ZitadelClient(on).search(token),
  ]);
}

/** A request as Lendix's clients send it: the session's token without its hyphens, beside the user's id. */
export function lendix(
  on: Door,
  method: 'get' | 'post' | 'delete',
  path: string,
  seat: { readonly token: string; readonly userId: string } | null,
  body?: object,
): Test {
  const test = request(on.url)[method](`/lendix${path}`);
  if (seat !== null) {
    const token = /^[0-9a-f-]{36}$/.test(seat.token) ? seat.token.replaceAll('-', '') : seat.token;
    void test.set('sessionToken', token).set('userId', toLendixId(seat.userId));
  }
  return body === undefined ? test : test.send(body);
}

type Opener = (on: Door, person: Person, backend: string, code?: () => string) => Promise<Seat>;

const OPENERS: Readonly<Record<Api, Opener>> = {
  async native(on, person, _backend, code) {
    const opened = await on.signIn(person);
    if (code === undefined) return new NativeSeat(opened.sessionId, opened.token);
    const proof = document('sessions', { otp: code(), password: person.password });
    const path = `/api/v2/sessions/${opened.sessionId}/validate_otp`;
    const { body } = await on.put(path, opened.token, proof).expect(200);
    return new NativeSeat(opened.sessionId, body.data.attributes.token);
  },

  async lendix(on, { id: userId, email, password }, _backend, code) {
    const { body } = await lendix(on, 'post', '/sessions', null, { email, password }).expect(200);
    const sessionId = fromLendixId(body.session.id)!;
    const pending = new LendixSeat(sessionId, body.session.token, userId);
    if (code === undefined) return pending;
    const path = `/sessions/${body.session.id}`;
    const finished = await lendix(on, 'post', path, pending, { code: code() }).expect(200);
    return new LendixSeat(sessionId, finished.body.session.token, userId);
  },

  async clerk(on, person, _backend, code) {
    const browser = new ClerkBrowser(on);
    const given = code?.();
    const sessionId =
      given === undefined
        ? await browser.signIn(person)
        : await browser.signInWithCode(person, isOfApp(given) ? 'totp' : 'backup_code', given);
    return new ClerkSeat(fromClerkId('session', sessionId)!, browser.cookie!);
  },

  async portos(on, person, _backend, code) {
    const client = new PortosClient(on);
    const { tokenId } = await client.signIn(person, code === undefined ? {} : { otp: code() });
    const { body } = await on.get('/api/v2/sessions/current', tokenId).expect(200);
    return new PortosSeat(body.data.id, tokenId);
  },

  async zitadel(on, person, backend, code) {
    const given = code?.();
    const checks = {
      user: { loginName: person.email },
      password: { password: person.password },
      ...(given === undefined ? {} : { [isOfApp(given) ? 'totp' : 'recoveryCode']: { code: given } }),
    };
    const { body } = await new ZitadelClient(on).create(backend, { checks }).expect(201);
    return new ZitadelSeat(body.sessionId, body.sessionToken);
  },
};

/** The code of an authenticator app, or else a recovery code. */
function isOfApp(code: string): boolean {
  return /^[0-9]{6}$/.test(code);
}

class NativeSeat implements Seat {
  readonly api = 'native';

  constructor(
    readonly sessionId: string,
    public token: string,
  ) {}

  async ask(on: Door): Promise<Response> {
    return on.get('/api/v2/sessions/current', this.token);
  }

  async sessionIds(on: Door): Promise<string[]> {
    const { body } = await on.get('/api/v2/sessions?sort=id', this.token).expect(200);
    return (body.data as { id: string }[]).map(({ id }) => id);
  }

  async describe(on: Door, id: string): Promise<Said> {
    const asked = 'fields[sessions]=secured_until,organization_id,metadata';
    const { body } = await on.get(`/api/v2/sessions/${id}?${asked}`, this.token).expect(200);
    const { secured_until, organization_id, metadata } = body.data.attributes;
    return { proved: secured_until !== null, organization: organization_id, metadata };
  }

  async revoke(on: Door, id: string): Promise<Response> {
    return on.delete(`/api/v2/sessions/${id}`, this.token);
  }
}

class LendixSeat implements Seat {
  readonly api = 'lendix';
  token: string;

  constructor(
    readonly sessionId: string,
    token: string,
    readonly userId: string,
  ) {
    this.token = token.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }

  async ask(on: Door): Promise<Response> {
    return lendix(on, 'get', '/sessions', this);
  }

  async sessionIds(on: Door): Promise<string[]> {
    const { body } = await lendix(on, 'get', '/sessions', this).expect(200);
    return inOrder((body.sessions as { id: string }[]).map(({ id }) => fromLendixId(id)!));
  }

  async describe(on: Door, id: string): Promise<Said> {
    const { body } = await lendix(on, 'get', `/sessions/${toLendixId(id)}`, this).expect(200);
    const { secured, user } = body.session;
    return { proved: secured, organization: user.business ?? null };
  }

  async revoke(on: Door, id: string): Promise<Response> {
    return lendix(on, 'delete', `/sessions/${toLendixId(id)}`, this);
  }
}

class ClerkSeat implements Seat {
  readonly api = 'clerk';
  readonly token = null;

  constructor(
    readonly sessionId: string,
    readonly cookie: string,
  ) {}

  async ask(on: Door): Promise<Response> {
    return this.browser(on).post(`/client/sessions/${toClerkId('session', this.sessionId)}/tokens`);
  }

  async sessionIds(on: Door): Promise<string[]> {
    const { body } = await this.browser(on).get('/me/sessions').expect(200);
    return inOrder((body as { id: string }[]).map(({ id }) => fromClerkId('session', id)!));
  }

  async describe(on: Door, id: string): Promise<Said> {
    const { body } = await this.browser(on).get('/me/sessions').expect(200);
    const shown = (body as Record<string, unknown>[]).find((one) => one.id === toClerkId('session', id))!;
    return { proved: shown.factor_verification_age, organization: shown.last_active_organization_id };
  }

  async revoke(on: Door, id: string): Promise<Response> {
    return this.browser(on).post(`/me/sessions/${toClerkId('session', id)}/revoke`);
  }

  /** The browser, which speaks to either instance with the same cookie. */
  browser(on: Door): ClerkBrowser {
    return Object.assign(new ClerkBrowser(on), { cookie: this.cookie });
  }
}

class PortosSeat implements Seat {
  readonly api = 'portos';

  constructor(
    readonly sessionId: string,
    public token: string,
  ) {}

  async ask(on: Door): Promise<Response> {
    return new PortosClient(on).get('/api/auth', this.token);
  }

  async sessionIds(on: Door): Promise<string[]> {
    const ids = await new PortosClient(on).idsOf('/sessions', this.token);
    return inOrder(ids.map((id) => fromPortosId(id)!));
  }

  /** The document knows neither factors nor organisations: all there is to see is that the session has changed. */
  async describe(on: Door, id: string): Promise<Said> {
    const { body } = await new PortosClient(on).get(`/sessions/${toPortosId(id)}`, this.token).expect(200);
    return { proved: body._v };
  }

  async revoke(on: Door, id: string): Promise<Response> {
    return new PortosClient(on).delete(`/sessions/${toPortosId(id)}`, this.token);
  }
}

class ZitadelSeat implements Seat {
  readonly api = 'zitadel';

  constructor(
    readonly sessionId: string,
    public token: string,
  ) {}

  async ask(on: Door): Promise<Response> {
    return new ZitadelClient(on).search(this.token);
  }

  async sessionIds(on: Door): Promise<string[]> {
    const { body } = await new ZitadelClient(on).search(this.token).expect(200);
    expect(body.details.totalResult).toBe(String(body.sessions.length));
    return inOrder((body.sessions as { id: string }[]).map(({ id }) => id));
  }

  async describe(on: Door, id: string): Promise<Said> {
    const { body } = await new ZitadelClient(on).get(id, this.token).expect(200);
    const { factors, metadata = {} } = body.session;
    const texts = Object.entries<string>(metadata).map(([key, bytes]) => [
      key,
      Buffer.from(bytes, 'base64').toString(),
    ]);
    return {
      proved: Object.keys(factors).sort(),
      organization: factors.user.organizationId ?? null,
      metadata: Object.fromEntries(texts),
    };
  }

  async revoke(on: Door, id: string): Promise<Response> {
    return new ZitadelClient(on).delete(id, this.token);
  }
}

function inOrder(ids: readonly string[]): string[] {
  return [...ids].sort((a, b) => Number(a) - Number(b));
}
