import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { faultsOf } from '../support/fuzz-judge.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { sendBytes, sendRequest } from '../support/raw-client.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';
import { until } from '../support/until.js';

const SENTINEL = 'sentinel';

describe('what Node cannot read as HTTP', () => {
  let database: TestDatabase;
  let server: ServerProcess;

  beforeAll(async () => {
    database = await createTestDatabase();
    server = await ServerProcess.start({
      DATABASE_URL: database.url,
      SECRET_KEY: '0123456789abcdef'.repeat(4),
      ADMIN_PASSWORD: 'correct horse battery',
      FACES: 'lendix,clerk,portos,zitadel',
      LOG_LEVEL: 'info',
    });
  });
  afterAll(async () => {
    await stopAllServers();
    await database.drop();
  });

  it.each([
    '/api/v2/sessions',
    '/lendix/sessions',
    '/clerk/v1/client',
    '/portos/sessions',
    '/zitadel/v2/sessions',
  ])(
    'is refused at %s in the words of that API, under an id that the log has, without what was sent',
    async (path) => {
      const answers = [
        await sendRequest(server.url, { path: `${path}?${SENTINEL}=ü` }), // as curl sends it, unless told to encode
        await sendRequest(server.url, { path, headers: { [SENTINEL]: 'x'.repeat(20_000) } }),
      ];
      expect(answers.map(({ status }) => status)).toEqual([400, 431]);
      for (const answer of answers) {
        expect(faultsOf(answer, path, false)).toEqual([]);
        expect(answer.text).not.toContain(SENTINEL);
        const requestId = answer.headers['x-request-id'];
        const line = () => server.log.find((one) => one.requestId === requestId);
        await until(() => line() !== undefined);
        expect(line()).toMatchObject({ msg: 'request', method: 'GET', route: null, status: answer.status });
        expect(JSON.stringify(line())).not.toContain(SENTINEL);
      }
    },
  );

  it('adds no method to the metrics that HTTP does not have', async () => {
    expect(await sendBytes(server.url, `EVIL /api/v2/sessions HTTP/1.1\r\nHost: a\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 400 .*"code":"bad_request"/s,
    );
    const { text } = await sendRequest(server.url, { path: '/metrics', headers: { Accept: '*/*' } });
    expect(text).toMatch(/method="GET",route="none",status="4xx"/);
    expect(text).not.toContain('EVIL');
  });
});
