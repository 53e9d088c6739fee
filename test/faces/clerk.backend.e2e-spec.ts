import { createClerkClient, verifyToken } from '@clerk/backend';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { createHash, createPublicKey, sign, type JsonWebKey } from 'node:crypto';
import request from 'supertest';
import { OPERATOR } from '../../src/caller.js';
import { JwtTemplatesService } from '../../src/keys/jwt-templates.service.js';
import { KeysService } from '../../src/keys/keys.service.js';
import { sealPurpose } from '../../src/keys/new-key.js';
import { Sealer } from '../../src/secrets.js';
import { ClerkBrowser, ORIGIN, SETTINGS } from '../support/clerk-browser.js';
import { Latchkey, type Person } from '../support/latchkey.js';
import { addOrganization } from '../support/organizations.js';

/** Any text of the right form: nothing at Latchkey asks for a secret key. */
const SECRET_KEY = 'sk_live_latchkey';
const PUBLISHABLE_KEY = `pk_live_${Buffer.from('id.example.com$').toString('base64')}`;
/** What its browser SDK appends to the names of the application's cookies (CONTRACTS.md §2.6). */
const COOKIE_SUFFIX = createHash('sha1').update(PUBLISHABLE_KEY).digest('base64url').slice(0, 8);

describe('@clerk/backend', () => {
  let latchkey: Latchkey;
  let browser: ClerkBrowser;
  let person: Person;
  let sessionId: string;

  beforeAll(async () => {
    latchkey = await Latchkey.start(SETTINGS);
    browser = new ClerkBrowser(latchkey);
    person = await latchkey.addUser();
    sessionId = await browser.signIn(person);
  });
  afterAll(() => latchkey.stop());

  const apiUrl = () => `${latchkey.url}/clerk`;

  async function sessionToken(form: Record<string, string> = {}): Promise<string> {
    const { body } = await browser.post(`/client/sessions/${sessionId}/tokens`, form).expect(200);
    expect(body).toEqual({ jwt: expect.any(String) });
    return body.jwt as string;
  }

  async function templateToken(): Promise<string> {
    const claims = { aud: 'api', email: '{{user.primary_email_address}}', plan: "{{org.slug || 'none'}}" };
    const draft = { name: 'api', claims, lifetimeSeconds: 120 };
    await latchkey.app.get(JwtTemplatesService, { strict: false }).put(OPERATOR, draft);
    const { body } = await browser.post(`/client/sessions/${sessionId}/tokens/api`).expect(200);
    expect(body).toEqual({ jwt: expect.any(String) });
    return body.jwt as string;
  }

  /** What its middleware makes of a request that carries a token. */
  function authenticate(headers: Record<string, string>, authorizedParties = [ORIGIN]) {
    const clerk = createClerkClient({
      secretKey: SECRET_KEY,
      publishableKey: PUBLISHABLE_KEY,
      apiUrl: apiUrl(),
      proxyUrl: apiUrl(),
    });
    return clerk.authenticateRequest(new Request(`${ORIGIN}/`, { headers }), { authorizedParties });
  }

  describe('accepts our session token', () => {
    it('through our keys, with nothing set but the address', async () => {
      const claims = await verifyToken(await sessionToken(), { secretKey: SECRET_KEY, apiUrl: apiUrl() });
      expect(claims).toMatchObject({
        azp: ORIGIN,
        iss: expect.stringMatching(/^http:\/\/localhost:\d+\/clerk$/),
        sid: sessionId,
        sub: expect.stringMatching(/^user_/),
        sts: 'active',
        fva: [0, -1],
        v: 2,
      });
      expect(claims.exp - claims.iat).toBe(60);
    });

    it('by the public key alone, without asking us', async () => {
      const { body } = await request(latchkey.url).get('/clerk/.well-known/jwks.json').expect(200);
      const key = createPublicKey({ key: body.keys[0] as JsonWebKey, format: 'jwk' });
      const jwtKey = key.export({ format: 'pem', type: 'spki' }).toString();
      const claims = await verifyToken(await sessionToken(), { jwtKey, authorizedParties: [ORIGIN] });
      expect(claims.sid).toBe(sessionId);
    });

    it.each(['header', 'cookie'])('in its middleware, from a %s', async (place) => {
      const token = await sessionToken();
      const signedInAt = Math.floor(Date.now() / 1000) - 1;
      const cookie = `__session_${COOKIE_SUFFIX}=${token}; __client_uat_${COOKIE_SUFFIX}=${signedInAt}`;
      const state = await authenticate(
        place === 'header' ? { authorization: `Bearer ${token}` } : { cookie },
      );
      expect({ status: state.status, reason: state.reason }).toEqual({ status: 'signed-in', reason: null });
      const auth = state.toAuth()!;
      expect(auth).toMatchObject({ sessionId, orgId: undefined, factorVerificationAge: [0, -1] });
      expect(auth.has({ reverification: 'lax' })).toBe(true);
    });

    it('with the organisation that the session acts for', async () => {
      const organization = await addOrganization(latchkey, [person], { role: 'admin' });
      const token = await sessionToken({ organization_id: organization.slug });
      const auth = (await authenticate({ authorization: `Bearer ${token}` })).toAuth()!;
      expect(auth).toMatchObject({ orgSlug: organization.slug, orgRole: 'org:admin' });
      expect(auth.has({ role: 'org:admin' })).toBe(true);
      expect(auth.has({ role: 'org:member' })).toBe(false);
    });

    it('after a rotation of the keys, without a restart', async () => {
      await latchkey.app.get(KeysService, { strict: false }).rotate(true);
      const claims = await verifyToken(await sessionToken(), { secretKey: SECRET_KEY, apiUrl: apiUrl() });
      expect(claims.sid).toBe(sessionId);
    });
  });

  describe('accepts a token of a template', () => {
    it('as a JWT, with the claims of the template', async () => {
      const claims = await verifyToken(await templateToken(), { secretKey: SECRET_KEY, apiUrl: apiUrl() });
      expect(claims).toMatchObject({ aud: 'api', email: person.email, plan: 'none' });
      expect(claims.exp - claims.iat).toBe(120);
      expect(claims).not.toHaveProperty('sid');
    });

    it('never as a session token', async () => {
      const state = await authenticate({ authorization: `Bearer ${await templateToken()}` });
      expect(state).toMatchObject({ status: 'signed-out', reason: 'token-type-mismatch' });
    });
  });

  describe('refuses', () => {
    it('a token that is over', async () => {
      latchkey.clock.move(-120_000);
      const token = await sessionToken();
      latchkey.clock.move(120_000);
      await expect(verifyToken(token, { secretKey: SECRET_KEY, apiUrl: apiUrl() })).rejects.toMatchObject({
        reason: 'token-expired',
      });
    });

    it('a token that was made for another page', async () => {
      const state = await authenticate({ authorization: `Bearer ${await sessionToken()}` }, [
        'https://evil.example.com',
      ]);
      expect(state).toMatchObject({ status: 'signed-out', reason: 'token-invalid-authorized-parties' });
    });

    it('a token that was changed', async () => {
      const [header, payload, signature] = (await sessionToken()).split('.');
      const claims = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as object;
      const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'user_zz' })).toString('base64url');
      const token = `${header}.${forged}.${signature}`;
      await expect(verifyToken(token, { secretKey: SECRET_KEY, apiUrl: apiUrl() })).rejects.toMatchObject({
        reason: 'token-invalid-signature',
      });
    });

    it('the JWT of the native API', async () => {
      const { token } = await latchkey.signIn(person);
      const { body } = await latchkey.post('/api/v2/sessions/jwt', token).expect(201);
      await expect(
        verifyToken(body.jwt as string, { secretKey: SECRET_KEY, apiUrl: apiUrl() }),
      ).rejects.toThrow();
    });
  });
});

describe('a session token', () => {
  let latchkey: Latchkey;
  let browser: ClerkBrowser;
  let jwt: string;

  beforeAll(async () => {
    latchkey = await Latchkey.start(SETTINGS);
    browser = new ClerkBrowser(latchkey);
    const sessionId = await browser.signIn(await latchkey.addUser());
    jwt = (await browser.post(`/client/sessions/${sessionId}/tokens`).expect(200)).body.jwt as string;
  });
  afterAll(() => latchkey.stop());

  it.each(['/clerk/.well-known/jwks.json', '/clerk/v1/jwks', '/.well-known/jwks.json'])(
    'is verified by any library through %s',
    async (path) => {
      const keys = createRemoteJWKSet(new URL(`${latchkey.url}${path}`));
      const { protectedHeader } = await jwtVerify(jwt, keys, { algorithms: ['RS256'], typ: 'JWT' });
      expect(protectedHeader).toEqual({
        alg: 'RS256',
        cat: expect.stringMatching(/^cl_/),
        kid: expect.any(String),
        typ: 'JWT',
      });
    },
  );

  it('SECURITY 131: opens nothing here, through whatever API', async () => {
    await latchkey.get('/api/v2/sessions/current', jwt).expect(401);
    await latchkey.get('/api/v2/sessions/current', null).set('Authorization', `Bearer ${jwt}`).expect(401);
    await request(latchkey.url).get('/clerk/v1/client').set('Cookie', `__client=${jwt}`).expect({
      response: null,
      client: null,
    });
  });

  it.each([['RS256'], ['ES256']])(
    'SECURITY 90: its key signs no native JWT, not even one that says %s',
    async (alg) => {
      const person = await latchkey.asUser();
      const exp = latchkey.clock.seconds() + 60;
      const payload = { user_id: Number(person.id), exp, type: 'read-only' };
      const [key] = await latchkey.sql<{ kid: string; sealed: Buffer }>(
        `SELECT kid, sealed_private_key AS sealed FROM signing_keys WHERE algorithm = 'RS256'`,
      );
      const pem = latchkey.app.get(Sealer).open(key!.sealed, sealPurpose(key!.kid));
      const signed = [{ alg, kid: key!.kid, sid: person.sessionId }, payload]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.');
      const forged = `${signed}.${sign('sha256', Buffer.from(signed), pem).toString('base64url')}`;
      await latchkey.get('/api/v2/sessions/current', forged).expect(401);
    },
  );
});
