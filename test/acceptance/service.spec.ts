import { describe, expect, it } from '@jest/globals';
import { Deployment, describeServed, SERVED } from './deployment.js';

const deployment = new Deployment();

describe('the service', () => {
  it('is alive, and ready for requests', async () => {
    expect((await deployment.get('/health/live', null).expect(200)).body).toEqual({ status: 'ok' });
    const { body } = await deployment.get('/health/ready', null).expect(200);
    expect(body).toEqual({ status: 'ok', database: 'up' });
  });

  it('publishes the keys that its JWTs are signed with, and no private half', async () => {
    const { body } = await deployment.get('/.well-known/jwks.json', null).expect(200);
    expect(body.keys.length).toBeGreaterThan(0);
    for (const key of body.keys) expect(key).not.toHaveProperty('d');
  });

  it('refuses an address that it does not know, and a method that an address does not know', async () => {
    const { body, headers } = await deployment.get('/api/v2/nothing', null).expect(404);
    expect(body.errors[0]).toMatchObject({ status: '404', code: 'not_found' });
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    const refused = await deployment.delete('/api/v2/sessions', null).expect(405);
    expect(refused.headers.allow).toContain('POST');
  });

  it('says nothing of what it is made of, and lets no browser guess, frame or keep an answer', async () => {
    const { headers } = await deployment.get('/api/v2/sessions/current', deployment.admin.token).expect(200);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
    });
    expect(headers).not.toHaveProperty('x-powered-by');
  });
});

/** What no API may be upset by, and how each is called. */
const PATHS: Readonly<Record<string, readonly string[]>> = {
  native: ['/api/v2/sessions', '/api/v2/sessions/1', '/api/v2/users'],
  lendix: ['/lendix/sessions', '/lendix/sessions/1'],
  clerk: ['/clerk/v1/client/sign_ins', '/clerk/v1/client'],
  portos: ['/portos/api/auth', '/portos/sessions'],
  zitadel: ['/zitadel/v2/sessions/search'],
};
const BODIES: readonly [name: string, type: string, body: string][] = [
  ['broken JSON', 'application/json', '{"a":'],
  ['JSON that is deep', 'application/json', '['.repeat(30_000)],
  [
    'a NUL character',
    'application/vnd.api+json',
    '{"data":{"type":"sessions","attributes":{"email":"\\u0000"}}}',
  ],
  ['what is no UTF-8', 'application/vnd.api+json', '\xff\xfe'],
  ['half a surrogate pair', 'application/json', '{"email":"\\ud800","password":"\\udfff"}'],
  ['a polluted prototype', 'application/json', '{"__proto__":{"rights":["*"]},"constructor":1}'],
  ['a form', 'application/x-www-form-urlencoded', 'identifier=%ff&_method=DELETE'],
  ['a type that is none', '?', '{}'],
];

describe.each(SERVED)('%s', (api) => {
  it.each(BODIES)('is not upset by %s, signed in or not', async (_, type, body) => {
    for (const path of PATHS[api]!) {
      for (const token of [null, deployment.admin.token]) {
        const { status, headers } = await deployment
          .post(path, token)
          .set({ 'Content-Type': type, Authorization: `Bearer ${token ?? 'nobody'}` })
          .send(body);
        expect({ path, upset: status >= 500 }).toEqual({ path, upset: false });
        expect({ path, type: headers['content-type'] }).toEqual({
          path,
          type: expect.stringMatching(/json/),
        });
      }
    }
  });
});

describeServed('docs', 'the documentation', () => {
  it('is OpenAPI 3.1, and a page', async () => {
    const { body } = await deployment.get('/openapi.json', null).expect(200);
    expect(body.openapi).toBe('3.1.0');
    await deployment.get('/docs', null).expect(200);
  });
});
