import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Latchkey } from '../support/latchkey.js';
import { declaredRoutesOf, routesOf, type DeclaredRoute, type Route } from '../support/routes.js';

let latchkey: Latchkey;
let running: Route[];
let declared: DeclaredRoute[];

beforeAll(async () => {
  latchkey = await Latchkey.start();
  running = routesOf(latchkey.app);
  declared = declaredRoutesOf(latchkey.app);
});
afterAll(() => latchkey.stop());

const named = ({ method, path }: Route) => `${method} ${path}`;

describe('routes', () => {
  it('all come from controllers, where the guard stands before them', () => {
    expect(running.map(named).sort()).toEqual(declared.map(named).sort());
  });

  it('each declare who may call them', () => {
    expect(declared.filter(({ access }) => access === undefined).map(({ handler }) => handler)).toEqual([]);
  });

  it('open nothing but signing in, the public keys, the documentation and the supervisors’ pages to anyone', () => {
    const open = declared.filter(({ access }) => access?.who === 'anyone').map(named);
    expect(open.sort()).toEqual([
      'GET /.well-known/jwks.json',
      'GET /clerk/.well-known/jwks.json',
      'GET /clerk/v1/environment',
      'GET /clerk/v1/jwks',
      'GET /docs',
      'GET /docs/:file',
      'GET /health/live',
      'GET /health/ready',
      'GET /metrics',
      'GET /openapi.json',
      'PATCH /clerk/v1/environment',
      'POST /api/v2/sessions',
      'POST /lendix/sessions',
      'POST /portos/api/auth',
      'POST /portos/api/auth/refresh',
    ]);
    expect(declared.filter(({ access }) => access?.who === 'optional').map(named)).toEqual([
      'PUT /api/v2/sessions/:id/validate_otp',
    ]);
  });

  it('let browsers without a credential only look, begin, and sign in', () => {
    const open = declared.filter(({ access }) => access?.who === 'any_browser').map(named);
    expect(open.sort()).toEqual([
      'DELETE /clerk/v1/client',
      'DELETE /clerk/v1/client/sessions',
      'GET /clerk/v1/client',
      'POST /clerk/v1/client',
      'POST /clerk/v1/client/sign_ins',
      'PUT /clerk/v1/client',
    ]);
  });

  it('let a session that owes its second factor only prove it, or end itself', () => {
    const open = declared.filter(({ access }) => access?.pendingToo).map(named);
    expect(open.sort()).toEqual([
      'DELETE /api/v2/sessions/:id',
      'DELETE /lendix/sessions/:id',
      'POST /lendix/sessions/:id', // with a code
      'PUT /api/v2/sessions/:id/validate_otp',
    ]);
  });

  // By hand, since decorators do not tell TypeScript whom a handler is given: each of these takes a BriefCaller, or a
  // BrowserUser.
  it('know their callers only briefly where their handlers ask for no more', () => {
    const brief = declared.filter(({ access }) => access?.briefly).map(named);
    expect(brief.sort()).toEqual([
      'GET /api/v2/sessions',
      'GET /api/v2/sessions/current',
      'GET /clerk/v1/me/sessions',
      'GET /clerk/v1/me/sessions/active',
      'POST /api/v2/sessions/jwt',
    ]);
  });

  it('let a read-only credential write nothing but a JWT', () => {
    const unsafe = declared.filter(({ method, access }) => method !== 'GET' && access?.readOnlyToo);
    // validate_otp looks at the credential only to hold it against the session; the proof is in the body. A search reads.
    expect(unsafe.map(named).sort()).toEqual([
      'POST /api/v2/sessions/jwt',
      'POST /clerk/v1/client/sessions/:session_id/tokens',
      'POST /clerk/v1/client/sessions/:session_id/tokens/:template_name',
      'POST /zitadel/v2/sessions/search',
      'PUT /api/v2/sessions/:id/validate_otp',
    ]);
  });

  it('never share a path shape: no two parameters in one place go by two names', () => {
    const byShape = new Map<string, Set<string>>();
    for (const { method, path } of running) {
      const shape = `${method} ${path.replace(/:[^/]+/g, ':')}`;
      byShape.set(shape, (byShape.get(shape) ?? new Set()).add(path));
    }
    const shared = [...byShape].filter(([, paths]) => paths.size > 1);
    expect(shared.map(([shape]) => shape)).toEqual([]);
    expect(running).toHaveLength(byShape.size);
  });

  it('put fixed paths before those with a parameter that would swallow them', () => {
    const swallowed = running.filter(({ method, path }, index) =>
      running
        .slice(0, index)
        .some((earlier) => earlier.method === method && shapeOf(earlier.path).test(path)),
    );
    expect(swallowed.map(named)).toEqual([]);
  });
});

function shapeOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/:[^/]+/g, '[^/]+')}$`);
}
