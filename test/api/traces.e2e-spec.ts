import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PinoLogger } from 'nestjs-pino';
import { symbols } from 'pino';
import { document, JSON_API, Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { asCareful, validateOtp } from '../support/second-factor.js';

const PATH = '/api/v2/sessions';

describe('what is left behind', () => {
  let latchkey: Latchkey;
  let person: SignedInPerson;
  const lines: string[] = [];

  beforeAll(async () => {
    latchkey = await Latchkey.start({ LOG_LEVEL: 'debug' });
    const log = PinoLogger.root as unknown as Record<symbol, { write(line: string): void }>;
    log[symbols.streamSym] = { write: (line) => void lines.push(line) };
    person = await latchkey.asUser();
  });
  afterAll(() => latchkey?.stop());

  const everyRow = async () => {
    const tables = await latchkey.sql<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
       WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
    );
    const rows = [];
    for (const { name } of tables)
      rows.push(...(await latchkey.sql<{ row: object }>(`SELECT row_to_json(t) AS row FROM ${name} t`)));
    return rows.map(({ row }) => JSON.stringify(row)).join('\n');
  };

  /** Goes once through everything that hands out or takes a secret. @returns all of them */
  const useEverySecret = async (): Promise<string[]> => {
    const careful = await asCareful(latchkey);
    const pending = await latchkey.signIn(careful);
    const otp = latchkey.codeNow(careful.secret);
    const validated = await validateOtp(latchkey, pending.sessionId, { otp }).expect(200);
    const sent = document('sessions', { name: 'robot' });
    const machine = await latchkey.post(`${PATH}/machine`, person.token, sent).expect(201);
    const { jwt } = (await latchkey.post(`${PATH}/jwt`, person.token).expect(201)).body;
    const password = 'a quite new passphrase';
    const change = document('users', { password, current_password: person.password }, { id: person.id });
    await latchkey.patch(`/api/v2/users/${person.id}`, person.token, change).expect(200);
    const tokens = [careful.token, pending.token, validated.body.data.attributes.token, person.token];
    const minted = [machine.body.data.attributes.token, jwt, ...(await signInOften(20))];
    return [...tokens, ...minted, careful.secret, ...careful.recoveryCodes, password, careful.password];
  };

  const signInOften = async (times: number): Promise<string[]> => {
    const user = await latchkey.addUser();
    const opened = await Promise.all(Array.from({ length: times }, () => latchkey.signIn(user)));
    return opened.map(({ token }) => token);
  };

  it('SECURITY 52, 53: neither the database nor the log holds a token, a password or a code', async () => {
    const secrets = await useEverySecret();
    const database = await everyRow();
    const log = lines.join('');
    expect(database).toContain(person.email);
    expect(log).toContain('"msg":"request"');
    for (const secret of secrets) {
      for (const written of spellings(secret)) {
        expect(database).not.toContain(written);
        expect(log).not.toContain(written);
      }
    }
  });

  it('SECURITY 53: no line of the log, at debug, holds anything that was sent', async () => {
    const sentinel = 'SENTINEL4711';
    const before = lines.length;
    const { token } = person;
    const signIn = (attributes: object) => latchkey.post(PATH, null, document('sessions', attributes));
    const raw = (type: string, text: string) =>
      latchkey.post(PATH, null).set('Content-Type', type).send(text);
    const named = { 'User-Agent': sentinel, Cookie: `a=${sentinel}`, Referer: sentinel, [sentinel]: '1' };
    await latchkey.get(`${PATH}/current`, token).set(named).set('X-Request-Id', sentinel);
    await latchkey.get(`${PATH}/current`, sentinel);
    await latchkey.get(`${PATH}/current`, null).set('Authorization', `Bearer ${sentinel}`);
    await latchkey.get(`${PATH}/current`, token).set('Authorization', `Basic ${sentinel}`);
    await latchkey.get(`${PATH}/current`, token).set('Accept', `${JSON_API};a="${sentinel}"`);
    await latchkey.get(`${PATH}/current`, token).set('Origin', `https://${sentinel}.example`);
    for (const query of [
      'token=',
      'sort=',
      'include=',
      'filter[name]=',
      'page[after]=',
      'fields[sessions]=',
      '',
    ])
      await latchkey.get(`${PATH}?${query}${sentinel}`, token);
    for (const path of [sentinel, `sessions/${sentinel}`, `users/${sentinel}`, `%ZZ${sentinel}`])
      await latchkey.get(`/api/v2/${path}`, token);
    await latchkey.get(`/${sentinel}`, null);
    await signIn({ email: `${sentinel}@example.com`, password: sentinel, name: sentinel });
    await signIn({ email: person.email, password: 'a quite new passphrase', name: sentinel, note: sentinel });
    await signIn({ email: sentinel, password: [sentinel], [sentinel]: sentinel });
    await raw(JSON_API, `{"${sentinel}": "${sentinel}`);
    await raw(JSON_API, `{"a": "${sentinel}\\u0000", "a": 1}`);
    await raw(`text/${sentinel}`, sentinel);
    await raw(JSON_API, `"${sentinel.repeat(10_000)}"`);
    await validateOtp(latchkey, person.sessionId, { otp: sentinel, password: sentinel });
    const written = lines.slice(before);
    expect(written.length).toBeGreaterThanOrEqual(25);
    for (const line of written) expect(line.toLowerCase()).not.toContain(sentinel.toLowerCase());
  });

  it('SECURITY 57, 171: names who and which session by their ids', async () => {
    const { token, sessionId, id } = await latchkey.asUser();
    const before = lines.length;
    await latchkey.get(PATH, token).expect(200);
    const line = lines
      .slice(before)
      .map((text) => JSON.parse(text))
      .find(({ msg }) => msg === 'request');
    expect(line).toMatchObject({ method: 'GET', route: PATH, status: 200, userId: id, sessionId });
  });
});

/** A secret as itself, and as it would stand in the bytes of a column. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const compact = secret.replaceAll('-', '');
  return [secret, bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, ''), compact];
}
