import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PinoLogger } from 'nestjs-pino';
import { symbols } from 'pino';
import { Latchkey, type Person, type SignedInPerson } from '../support/latchkey.js';
import { asBackend, ZitadelClient } from '../support/zitadel.js';

let latchkey: Latchkey;
let zitadel: ZitadelClient;
let backend: SignedInPerson;
let person: Person;
const written: string[] = [];

beforeAll(async () => {
  latchkey = await Latchkey.start({ LOG_LEVEL: 'info' });
  const log = PinoLogger.root as unknown as Record<symbol, { write(line: string): void }>;
  log[symbols.streamSym] = { write: (line) => void written.push(line) };
  zitadel = new ZitadelClient(latchkey);
  backend = await asBackend(latchkey);
  person = await latchkey.addUser();
});
afterAll(() => latchkey.stop());

/** The audit lines since the last call, without what every line has. */
function audited(): object[] {
  const lines = written.splice(0).map((line) => JSON.parse(line) as Record<string, unknown>);
  return lines
    .filter(({ audit }) => audit)
    .map(({ action, userId, sessionId, by, outcome, reason }) => ({
      action,
      userId,
      sessionId,
      by,
      outcome,
      reason,
    }));
}

describe('what the log says of ZITADEL', () => {
  it('SECURITY 171: one line for each session that is opened, set, ended, or refused to be, and by whom', async () => {
    audited();
    const by = backend.id;
    const { sessionId } = await zitadel.open(backend.token, person);
    const about = { userId: person.id, sessionId, by };
    expect(audited()).toEqual([{ action: 'session.compose', ...about, outcome: 'ok' }]);
    await zitadel.set(sessionId, backend.token, { metadata: { a: 'YQ==' } }).expect(200);
    expect(audited()).toEqual([{ action: 'session.compose', ...about, outcome: 'ok' }]);
    await zitadel.set(sessionId, backend.token, { checks: { password: { password: 'wrong' } } }).expect(400);
    const reason = 'wrong_password';
    expect(audited()).toEqual([{ action: 'session.compose', sessionId, by, outcome: 'refused', reason }]);
    const reader = await latchkey.asUser({ rights: ['session.read'] });
    audited();
    await zitadel.delete(sessionId, reader.token).expect(403);
    const refused = { ...about, by: reader.id, outcome: 'refused', reason: 'forbidden' };
    expect(audited()).toEqual([{ action: 'session.end', ...refused }]);
    await zitadel.delete(sessionId, backend.token).expect(200);
    expect(audited()).toEqual([{ action: 'session.end', ...about, outcome: 'ok' }]);
  });

  it('SECURITY 53: no token, code or password, not even one that stood in a query', async () => {
    written.length = 0;
    const { sessionId, sessionToken } = await zitadel.open(backend.token, person);
    await zitadel.get(sessionId, backend.token, sessionToken).expect(200);
    await zitadel.get(sessionId, backend.token, 'a-wrong-token').expect(403);
    const challenges = { otpEmail: { returnCode: {} } };
    const set = (await zitadel.set(sessionId, backend.token, { challenges }).expect(200)).body;
    const checks = { otpEmail: { code: set.challenges.otpEmail } };
    const proved = (await zitadel.set(sessionId, backend.token, { checks }).expect(200)).body;
    await zitadel
      .set(sessionId, backend.token, { checks: { password: { password: 'a-wrong-password' } } })
      .expect(400);
    await zitadel.delete(sessionId, backend.token, { sessionToken: 'a-wrong-token' }).expect(403);
    const log = written.join('');
    expect(log).toContain('session.compose');
    const secrets = [backend.token, sessionToken, set.sessionToken, proved.sessionToken, person.password];
    for (const secret of [...secrets, `"${set.challenges.otpEmail}"`, 'a-wrong-token', 'a-wrong-password']) {
      expect(log).not.toContain(secret);
    }
    const rows = await latchkey.sql<{ row: string }>(
      'SELECT row_to_json(s)::text AS row FROM sessions s UNION ALL SELECT row_to_json(c)::text FROM sent_codes c',
    );
    for (const secret of secrets) expect(rows.map(({ row }) => row).join('')).not.toContain(secret);
  });

  it('SECURITY 56: no cache keeps an answer', async () => {
    const answers = [
      await zitadel.search(backend.token),
      await zitadel.create(backend.token),
      await zitadel.get('1', backend.token),
      await zitadel.set('987654321', backend.token),
      await zitadel.delete('987654321', backend.token),
    ];
    for (const { headers } of answers) expect(headers['cache-control']).toBe('no-store');
  });
});
