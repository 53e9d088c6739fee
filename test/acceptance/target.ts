import { setTimeout as sleep } from 'node:timers/promises';
import { FACES, type Face } from '../../src/config.js';
import { document, Door, type SignedInPerson } from '../support/door.js';

/** What else than the native API a deployment may serve, and how one switches it on. */
const EXTRAS = {
  docs: 'the documentation (DOCS is off)',
  qa: 'codes and the clock (QA_MODE is off)',
} as const;
export type Extra = keyof typeof EXTRAS;

/** A deployment, and what it serves. */
export interface Target {
  readonly url: string;
  readonly admin: SignedInPerson;
  readonly faces: readonly Face[];
  readonly extras: readonly Extra[];
  /** What is tested, and what is left out, in a line. */
  readonly greeting: string;
}

/** A deployment that the suite cannot be run against; the message says why. */
export class Unfit extends Error {}

const LOOKED_AT_SECONDS = 60;

/**
 * Looks at the deployment that the environment names, and signs its administrator in.
 * @throws Unfit, after a minute at the latest
 */
export async function visit(environment: NodeJS.ProcessEnv): Promise<Target> {
  const timeUp = sleep(LOOKED_AT_SECONDS * 1000, undefined, { ref: false }).then(() => {
    throw new Unfit(`LATCHKEY_URL does not answer within ${LOOKED_AT_SECONDS} seconds`);
  });
  return Promise.race([lookAt(environment), timeUp]);
}

/** Ends the session that `visit` opened. */
export async function leave({ url, admin }: Pick<Target, 'url' | 'admin'>): Promise<void> {
  await new Door(url, null).delete(`/api/v2/sessions/${admin.sessionId}`, admin.token).expect(204);
}

async function lookAt(environment: NodeJS.ProcessEnv): Promise<Target> {
  const missing = ['LATCHKEY_URL', 'ADMIN_EMAIL', 'ADMIN_PASSWORD'].filter((name) => !environment[name]);
  if (missing.length > 0) throw new Unfit(`${missing.join(', ')} must be set`);
  const url = environment.LATCHKEY_URL!.replace(/\/+$/, '');
  const door = new Door(url, null);
  await expectReady(door);
  const admin = await signIn(door, environment.ADMIN_EMAIL!, environment.ADMIN_PASSWORD!);
  const faces: Face[] = [];
  for (const face of FACES) if (await answers(door, PROBES[face])) faces.push(face);
  const extras: Extra[] = [];
  if (await answers(door, '/openapi.json')) extras.push('docs');
  if (await answers(door, '/qa/clock')) extras.push('qa');
  const left = [
    ...FACES.filter((face) => !faces.includes(face)).map((face) => `${face} (not in FACES)`),
    ...Object.entries(EXTRAS).flatMap(([extra, words]) => (extras.includes(extra as Extra) ? [] : words)),
  ];
  const leftOut = left.length === 0 ? 'nothing is left out' : `left out: ${left.join(', ')}`;
  const greeting = `Acceptance of ${url}: ${['native', ...faces].join(', ')}; ${leftOut}`;
  return { url, admin, faces, extras, greeting };
}

/** An address of each API that answers anything but 404 where it is served. */
const PROBES: Readonly<Record<Face, string>> = {
  lendix: '/lendix/sessions',
  clerk: '/clerk/v1/environment',
  portos: '/portos/api/auth',
  zitadel: '/zitadel/v2/sessions/1',
};

async function answers(door: Door, path: string): Promise<boolean> {
  return (await door.get(path, null)).status !== 404;
}

async function expectReady(door: Door): Promise<void> {
  const { status } = await door.get('/health/ready', null).catch((error: Error) => {
    throw new Unfit(`LATCHKEY_URL ${door.url} does not answer: ${error.message}`);
  });
  if (status !== 200)
    throw new Unfit(`LATCHKEY_URL ${door.url} is not ready: /health/ready answered ${status}`);
}

async function signIn(door: Door, email: string, password: string): Promise<SignedInPerson> {
  const signedIn = await door.post('/api/v2/sessions', null, document('sessions', { email, password }));
  if (signedIn.status !== 201) {
    throw new Unfit(
      `signing in as ADMIN_EMAIL ${email} was answered ${signedIn.status}: look at ADMIN_PASSWORD`,
    );
  }
  const { id: sessionId, attributes } = signedIn.body.data;
  const admin = { id: String(attributes.user_id), email, password, sessionId, token: attributes.token };
  const me = await door.get('/api/v2/users/me', admin.token);
  if (me.status === 200 && (me.body.data.attributes.rights as string[]).includes('*')) return admin;
  await leave({ url: door.url, admin });
  const why = me.status === 403 ? 'owes a second factor: name one without' : 'does not hold every right';
  throw new Unfit(`the administrator of ADMIN_EMAIL ${email} ${why}`);
}
