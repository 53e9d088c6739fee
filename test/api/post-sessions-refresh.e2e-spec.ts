import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mintJwt, mintMachine } from '../support/access-table.js';
import { document, Latchkey, PASSWORD, type Person } from '../support/latchkey.js';
import { invalidAttribute, OTP_REQUIRED, READ_ONLY_SESSION, UNAUTHENTICATED } from '../support/refusals.js';
import { asCareful, validateOtp } from '../support/second-factor.js';

const DAY = 86_400_000;

interface Renewable {
  readonly id: string;
  readonly token: string;
  readonly refreshToken: string;
}

let latchkey: Latchkey;
let person: Person;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  latchkey.clock.freeze();
  person = await latchkey.addUser();
});
afterAll(() => latchkey.stop());

/** Signs in for a session that can be renewed. */
async function open(more: object = {}, { email }: Pick<Person, 'email'> = person): Promise<Renewable> {
  const sent = document('sessions', { email, password: PASSWORD, refreshable: true, ...more });
  const { body } = await latchkey.post('/api/v2/sessions', null, sent).expect(201);
  return { id: body.data.id, token: body.data.attributes.token, refreshToken: body.meta.refresh_token };
}

function refresh(token: string | null, refreshToken: unknown, query = '') {
  const sent = document('sessions', { refresh_token: refreshToken });
  return latchkey.post(`/api/v2/sessions/refresh${query}`, token, sent);
}

function current(token: string) {
  return latchkey.get('/api/v2/sessions/current?fields[sessions]=token_expires_at,version,token', token);
}

describe('POST /sessions/refresh', () => {
  describe('200', () => {
    it('gives the session new tokens, and the old ones open nothing any more', async () => {
      const { id, token, refreshToken } = await open();
      const { body, headers } = await refresh(token, refreshToken).expect(200);
      expect(headers['cache-control']).toBe('no-store');
      const { token: next } = body.data.attributes;
      const { refresh_token: nextRefresh } = body.meta;
      expect(body.data.id).toBe(id);
      expect(new Set([token, refreshToken, next, nextRefresh]).size).toBe(4);

      expect((await current(token).expect(401)).body).toEqual(UNAUTHENTICATED);
      expect((await refresh(token, refreshToken).expect(401)).body).toEqual(UNAUTHENTICATED);
      await refresh(next, refreshToken).expect(401);
      await current(next).expect(200);
      await refresh(next, nextRefresh).expect(200);
    });

    it('lets one with a lifetime of its own live that long again, and no longer', async () => {
      const { token, refreshToken } = await open({ lifetime_seconds: 3_600 });
      latchkey.clock.move(3_599_000);
      const { body } = await refresh(token, refreshToken, '?fields[sessions]=token,version').expect(200);
      expect(body.data.attributes.version).toBe(2);
      const next = body.data.attributes.token;
      latchkey.clock.move(3_599_000);
      await current(next).expect(200);
      latchkey.clock.move(1_000);
      await current(next).expect(401);
      await refresh(next, body.meta.refresh_token).expect(401);
    });

    it('lets one that slides slide on', async () => {
      const { token, refreshToken } = await open();
      latchkey.clock.move(13 * DAY);
      const { body } = await refresh(token, refreshToken).expect(200);
      const left = Date.parse(body.data.attributes.token_expires_at) - latchkey.clock.milliseconds();
      expect(left).toBe(14 * DAY);
    });

    it('raises the version, and leaves all else as it was', async () => {
      const { token, refreshToken } = await open({ name: 'till', note: 'n', device_name: 'P01' });
      const asked = '?fields[sessions]=name,note,device_name,two_factor_auth,created_at,factors,version';
      const { body: before } = await latchkey.get(`/api/v2/sessions/current${asked}`, token).expect(200);
      latchkey.clock.move(5_000);
      const { body: after } = await refresh(token, refreshToken, asked).expect(200);
      expect(after.data.attributes).toEqual({ ...before.data.attributes, version: 2 });
    });

    it('keeps the JWTs that were minted from it', async () => {
      const { token, refreshToken } = await open();
      const jwt = await mintJwt(latchkey, token);
      await refresh(token, refreshToken).expect(200);
      await current(jwt).expect(200);
    });

    it('for one of twenty who send the same tokens at the same moment', async () => {
      const { token, refreshToken } = await open();
      const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(token, refreshToken)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(19).fill(401)]);
      const won = answers.find(({ status }) => status === 200)!;
      await current(won.body.data.attributes.token).expect(200);
    });

    it('for a session whose second factor was given', async () => {
      const careful = await asCareful(latchkey);
      const { id, token, refreshToken } = await open({}, careful);
      expect((await refresh(token, refreshToken).expect(403)).body).toEqual(OTP_REQUIRED);
      const { body } = await validateOtp(latchkey, id, { otp: latchkey.codeNow(careful.secret) }).expect(200);
      const active = body.data.attributes.token;
      const renewed = await refresh(active, refreshToken).expect(200);
      expect(renewed.body.data.attributes.two_factor_auth).toBe(true);
    });
  });

  describe('401', () => {
    it.each<[string, (renewable: Renewable) => string]>([
      ['one that is none', () => 'x'],
      ['an empty spelling of it', ({ refreshToken }) => ` ${refreshToken}`],
      ['other case', ({ refreshToken }) => refreshToken.toUpperCase()],
      ['letters that look like it', ({ refreshToken }) => refreshToken.replace(/[0-9]/, 'İ')],
      ['the session’s token', ({ token }) => token],
    ])('refuses a wrong refresh token, and spends nothing: %s', async (_, wrong) => {
      const renewable = await open();
      expect((await refresh(renewable.token, wrong(renewable)).expect(401)).body).toEqual(UNAUTHENTICATED);
      await refresh(renewable.token, renewable.refreshToken).expect(200);
    });

    it('refuses the refresh token of another session', async () => {
      const [mine, theirs] = [await open(), await open({}, await latchkey.addUser())];
      await refresh(mine.token, theirs.refreshToken).expect(401);
      await refresh(theirs.token, mine.refreshToken).expect(401);
      await refresh(theirs.token, theirs.refreshToken).expect(200);
    });

    it('refuses sessions that cannot be renewed: none was asked for, or it is a machine’s', async () => {
      const { token } = await latchkey.signIn(person);
      await refresh(token, token).expect(401);
      const machine = await mintMachine(latchkey, token, false);
      await refresh(machine, machine).expect(401);
    });

    it('takes no refresh token for a credential', async () => {
      const { refreshToken } = await open();
      await refresh(refreshToken, refreshToken).expect(401);
      await current(refreshToken).expect(401);
    });

    it('SECURITY 139: revives nothing that a revocation ended', async () => {
      const { token, refreshToken } = await open();
      const other = await latchkey.signIn(person);
      await latchkey.post('/api/v2/sessions/revoke', other.token).expect(200);
      await refresh(token, refreshToken).expect(401);
    });

    it('SECURITY 139: a revocation of many ends a session that is being renewed meanwhile', async () => {
      for (let round = 0; round < 10; round++) {
        const { token, refreshToken } = await open();
        const other = await latchkey.signIn(person);
        const [renewed] = await Promise.all([
          refresh(token, refreshToken),
          latchkey.post('/api/v2/sessions/revoke', other.token).expect(200),
        ]);
        const last = renewed.status === 200 ? renewed.body.data.attributes.token : token;
        await current(last).expect(401);
      }
    });
  });

  it('403: a read-only credential renews nothing', async () => {
    const { token, refreshToken } = await open();
    const { body } = await refresh(await mintJwt(latchkey, token), refreshToken).expect(403);
    expect(body).toEqual(READ_ONLY_SESSION);
    await refresh(token, refreshToken).expect(200);
  });

  describe('422', () => {
    it.each([
      ['null', null, "can't be blank"],
      ['nothing', undefined, "can't be blank"],
      ['an empty text', '', "can't be blank"],
      ['a number', 5, 'attribute is invalid'],
      ['a list', ['x'], 'attribute is invalid'],
    ])('asks for a refresh token: %s', async (_, sent, detail) => {
      const { token } = await open();
      const { body } = await refresh(token, sent).expect(422);
      expect(body).toEqual(invalidAttribute('refresh_token', detail));
    });
  });

  it('keeps none of the tokens where it could be read', async () => {
    const { id, token, refreshToken } = await open();
    const { body } = await refresh(token, refreshToken).expect(200);
    const [row] = await latchkey.sql<{ row: string }>('SELECT s::text AS row FROM sessions s WHERE id = $1', [
      id,
    ]);
    for (const secret of [token, refreshToken, body.data.attributes.token, body.meta.refresh_token]) {
      expect(row!.row).not.toContain(secret);
    }
  });
});
