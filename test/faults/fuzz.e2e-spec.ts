import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { FACES } from '../../src/config.js';
import { describeService } from '../../src/openapi/document.js';
import { operationsOf, type Described } from '../openapi/described.js';
import { PRIVILEGED, UNPRIVILEGED } from '../support/fuzz-actors.js';
import { FuzzStage } from '../support/fuzz-stage.js';
import { PASSWORD } from '../support/latchkey.js';

/** The same requests in every run: what fails here fails again. `npm run fuzz` sends 10,000 to each route. */
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_121);
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 50);
/** Whether so much is sent that what was found in it is worth a table. */
const IS_LONG = REQUESTS >= 1_000;
jest.setTimeout(60_000 + REQUESTS * 100);

/** What was answered, by whom it was asked. */
const answers: FuzzStage['answers'][] = [];

/** Every route there is: the running service's own list is held against this one, which is known before it runs. */
const ROUTES = [
  ...operationsOf(JSON.parse(JSON.stringify(describeService('', FACES))) as Described).map(([name]) => name),
  ...['GET /openapi.json', 'GET /docs', 'GET /docs/{file}'],
].map((name) => name.replace(/\{(\w+)\}/g, ':$1'));

/** What takes a code that is right and unspent, which made-up requests seldom hold. */
const BY_CODE = /otp|verif|prepare|attempt/;

describe.each([
  { who: 'whoever has no rights', actors: UNPRIVILEGED, share: 0.7 },
  { who: 'whoever has rights', actors: PRIVILEGED, share: 0.3 },
])('whatever $who sends', ({ actors, share }) => {
  let stage: FuzzStage;
  let before: unknown[];

  beforeAll(async () => {
    stage = await FuzzStage.set(actors);
    before = await stage.untouchable();
  });
  afterAll(async () => {
    if (stage !== undefined) answers.push(stage.answers);
    await stage?.stop();
  });

  it('is sent to every route of every API', () => {
    expect(stage.routes.map(({ name }) => name).sort()).toEqual([...ROUTES].sort());
  });

  it.each(ROUTES)(
    '%s answers in its API’s own words, never with a 5xx, and shows nothing of others',
    async (route) => {
      expect(await stage.fuzz(route, Math.ceil(REQUESTS * share), SEED)).toEqual([]);
    },
  );

  if (actors === UNPRIVILEGED) {
    it('leaves untouched what is somebody else’s, or takes a right to change', async () => {
      expect(await stage.untouchable()).toEqual(before);
    });
  }

  it('leaves the service alive', async () => {
    const { latchkey } = stage;
    await latchkey.get('/health/ready', null).set('Accept', '*/*').expect(200);
    const { token } = await latchkey.signIn({ ...(await latchkey.addUser()), password: PASSWORD });
    await latchkey.get('/api/v2/sessions/current', token).expect(200);
  });
});

describe('whatever anybody sends to /qa', () => {
  it('is answered in the native API’s words, never with a 5xx, wherever the clock was put', async () => {
    const stage = await FuzzStage.set(['nobody'], { QA_MODE: 'true' });
    try {
      const routes = stage.routes.filter(({ path }) => path.startsWith('/qa'));
      expect(routes).toHaveLength(6);
      for (const { name } of routes) expect(await stage.fuzz(name, REQUESTS, SEED)).toEqual([]);
    } finally {
      await stage.stop();
    }
  });
});

if (IS_LONG) {
  describe('all that was sent', () => {
    it('asked each route for something that it does', () => {
      process.stdout.write(`${ROUTES.map((route) => `${route}: ${countsOf(route)}`).join('\n')}\n`);
      const granted = (route: string) =>
        answers.some((each) => [...each.get(route)!.keys()].some((status) => status < 300));
      expect(ROUTES.filter((route) => !BY_CODE.test(route) && !granted(route))).toEqual([]);
    });
  });
}

/** How often a route answered what. */
function countsOf(route: string): string {
  const counts = new Map<number, number>();
  for (const each of answers) {
    for (const [status, count] of each.get(route) ?? [])
      counts.set(status, (counts.get(status) ?? 0) + count);
  }
  const sorted = [...counts].sort(([a], [b]) => a - b);
  return sorted.map(([status, count]) => `${status} × ${count}`).join(', ');
}
