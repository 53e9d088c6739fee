import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { asBackend, ZitadelClient } from '../support/zitadel.js';

let latchkey: Latchkey;
let zitadel: ZitadelClient;
let backend: SignedInPerson;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  zitadel = new ZitadelClient(latchkey);
  backend = await asBackend(latchkey);
});
afterAll(() => latchkey.stop());

const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$/;
const ID = /^[1-9]\d*$/;

describe('zitadel.txt', () => {
  it('`curl -X POST …/v2/sessions/search -d {}`: the answer of the document, in its order', async () => {
    const person = await latchkey.addUser();
    await latchkey.sql(`UPDATE users SET first_name = 'Ada', last_name = 'Lovelace' WHERE id = $1`, [
      person.id,
    ]);
    const { sessionId } = await zitadel.open(backend.token, person, {
      metadata: { property1: Buffer.from('string').toString('base64') },
      userAgent: {
        fingerprintId: 'string',
        ip: '192.0.2.7',
        description: 'Chrome on macOS',
        header: { 'user-agent': { values: ['string'] }, 'accept-language': { values: ['de', 'en'] } },
      },
      lifetime: '3600s',
    });
    // Stamps of every factor that the document shows and that Latchkey has.
    const codes = ['email_code', 'sms_code', 'totp', 'recovery_code'].map(
      (name) => `${name}_verified_at = now()`,
    );
    await latchkey.sql(`UPDATE sessions SET ${codes.join(', ')} WHERE id = $1`, [sessionId]);

    const { body } = await zitadel
      .search(backend.token, { queries: [{ idsQuery: { ids: [sessionId] } }] })
      .expect('Content-Type', 'application/json')
      .expect(200);
    const verifiedAt = expect.stringMatching(TIMESTAMP);
    expect(body).toEqual({
      details: { totalResult: '1', timestamp: verifiedAt },
      sessions: [
        {
          id: expect.stringMatching(ID),
          creationDate: verifiedAt,
          changeDate: verifiedAt,
          sequence: '1',
          factors: {
            user: { verifiedAt, id: person.id, loginName: person.email, displayName: 'Ada Lovelace' },
            password: { verifiedAt },
            totp: { verifiedAt },
            otpSms: { verifiedAt },
            otpEmail: { verifiedAt },
            recoveryCode: { verifiedAt },
          },
          metadata: { property1: 'c3RyaW5n' },
          userAgent: {
            fingerprintId: 'string',
            ip: '192.0.2.7',
            description: 'Chrome on macOS',
            header: { 'user-agent': { values: ['string'] }, 'accept-language': { values: ['de', 'en'] } },
          },
          expirationDate: verifiedAt,
        },
      ],
    });
    const [session] = body.sessions;
    expect(Object.keys(body)).toEqual(['details', 'sessions']);
    expect(Object.keys(session)).toEqual([
      'id',
      'creationDate',
      'changeDate',
      'sequence',
      'factors',
      'metadata',
      'userAgent',
      'expirationDate',
    ]);
    expect(Object.keys(session.factors)).toEqual([
      'user',
      'password',
      'totp',
      'otpSms',
      'otpEmail',
      'recoveryCode',
    ]);
    expect(Object.keys(session.factors.user)).toEqual(['verifiedAt', 'id', 'loginName', 'displayName']);
    expect(Object.keys(session.userAgent)).toEqual(['fingerprintId', 'ip', 'description', 'header']);
  });

  it('protojson: an empty result is its details alone, without a total', async () => {
    const nothing = { queries: [{ idsQuery: { ids: ['987654321'] } }] };
    const { body } = await zitadel.search(backend.token, nothing).expect(200);
    expect(body).toEqual({ details: { timestamp: expect.stringMatching(TIMESTAMP) } });
  });

  it('protojson: a session that names nobody has no factors, and one without metadata no metadata', async () => {
    const { sessionId } = (await zitadel.create(backend.token).expect(201)).body;
    const { body } = await zitadel.get(sessionId, backend.token).expect(200);
    expect(Object.keys(body.session)).toEqual([
      'id',
      'creationDate',
      'changeDate',
      'sequence',
      'userAgent',
      'expirationDate',
    ]);
  });

  it('protojson: a timestamp of a whole second has no fraction', async () => {
    const { sessionId } = (await zitadel.create(backend.token).expect(201)).body;
    await latchkey.sql(
      `UPDATE sessions SET changed_at = '2026-01-15T01:30:15.010Z', created_at = date_trunc('second', created_at) WHERE id = $1`,
      [sessionId],
    );
    const { session } = (await zitadel.get(sessionId, backend.token).expect(200)).body;
    expect(session.changeDate).toBe('2026-01-15T01:30:15.010Z');
    expect(session.creationDate).toMatch(/:\d\dZ$/);
  });

  it('a creation answers details, id, token; a change details and a new token; an end details', async () => {
    const person = await latchkey.addUser();
    const checks = { user: { userId: person.id }, password: { password: person.password } };
    const created = (await zitadel.create(backend.token, { checks }).expect(201)).body;
    const instant = expect.stringMatching(TIMESTAMP);
    expect(created).toEqual({
      details: { sequence: '1', changeDate: instant, creationDate: instant },
      sessionId: expect.stringMatching(ID),
      sessionToken: expect.any(String),
    });
    const set = (await zitadel.set(created.sessionId, backend.token, { metadata: { a: 'YQ==' } }).expect(200))
      .body;
    expect(set).toEqual({
      details: { sequence: '2', changeDate: instant },
      sessionToken: expect.any(String),
    });
    expect(set.sessionToken).not.toBe(created.sessionToken);
    const ended = (await zitadel.delete(created.sessionId, backend.token).expect(200)).body;
    expect(ended).toEqual({ details: { sequence: '3', changeDate: instant } });
  });

  it('a session that was signed in to natively looks the same, with the agent that was seen', async () => {
    const user = await latchkey.asUser();
    const { session } = (await zitadel.get(user.sessionId, user.token).expect(200)).body;
    expect(session.factors).toMatchObject({
      user: { id: user.id, loginName: user.email, displayName: user.email },
      password: { verifiedAt: expect.stringMatching(TIMESTAMP) },
    });
    expect(session.userAgent).toMatchObject({ ip: '127.0.0.1' });
    expect(JSON.stringify(session)).not.toContain(user.token);
  });
});
