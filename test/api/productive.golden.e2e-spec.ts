import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import bcrypt from 'bcrypt';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request, { type Response } from 'supertest';
import { EXAMPLES, type Example } from '../../src/openapi/contract-examples.js';
import { addSession } from '../support/fixture-session.js';
import { Latchkey, type SecondFactor, type SignedInPerson } from '../support/latchkey.js';
import { mmdb } from '../support/mmdb.js';

/** What the document leaves to be filled in: who asks, and whose session it is about. */
interface Stage {
  readonly token?: string;
  readonly sessionId?: string;
  readonly userId?: string;
  readonly otp?: string;
}

const OTP_WINDOW_MILLISECONDS = 300_000;

describe('the examples of productive.txt, field by field', () => {
  let directory: string;
  let latchkey: Latchkey;
  let asker: SignedInPerson;
  let person: SignedInPerson;
  let factor: SecondFactor;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'latchkey-golden-'));
    const places = join(directory, 'places.mmdb');
    await writeFile(places, mmdb({ '203.0.113.0/24': { country: { names: { en: 'Austria' } } } }));
    // The document's own host, and its "location": "": looked up, and unknown.
    latchkey = await Latchkey.start({
      PUBLIC_URL: 'http://api-test.productive.io',
      GEOIP_DB: places,
    });
    asker = await latchkey.asUser();
    person = await addDocumentedUser();
    factor = await latchkey.enableTwoFactor(person);
  });

  afterAll(async () => {
    await latchkey?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('lists sessions', async () => {
    const { id } = await latchkey.addUser();
    await expectAsDocumented('lists sessions', await addSession(latchkey, id));
  });

  it('ends a session', async () => {
    const { sessionId } = await latchkey.signIn(asker);
    await expectAsDocumented('ends a session', { token: asker.token, sessionId });
  });

  it.each(['creates a read-only machine session', 'refuses a machine session without a name'] as const)(
    '%s',
    (name) => expectAsDocumented(name, { token: asker.token }),
  );

  it('mints a JWT', async () => {
    const { jwt, payload } = (await expectAsDocumented('mints a JWT', { token: asker.token })).body;
    const signed = Buffer.from(jwt.split('.')[1], 'base64url').toString();
    expect(signed).toBe(JSON.stringify(payload));
    expect(payload.user_id).toBe(Number(asker.id));
  });

  it('signs in', async () => {
    await latchkey.sql('UPDATE users SET two_factor_auth = false WHERE id = $1', [person.id]);
    const { attributes } = (await expectAsDocumented('signs in', {})).body.data;
    const fourteenDays = 14 * 24 * 60 * 60 * 1000;
    expect(Date.parse(attributes.token_expires_at) - Date.parse(attributes.last_activity_at)).toBe(
      fourteenDays,
    );
    await latchkey.sql('UPDATE users SET two_factor_auth = true WHERE id = $1', [person.id]);
  });

  it.each(['refuses a wrong password', 'refuses an unknown e-mail'] as const)('%s', (name) =>
    expectAsDocumented(name, {}),
  );

  it('validates a one-time password', async () => {
    await expectAsDocumented('validates a one-time password', {
      ...(await pending()),
      otp: latchkey.codeNow(factor.secret),
    });
  });

  it('validates a recovery code', async () => {
    await expectAsDocumented('validates a recovery code', {
      ...(await pending()),
      otp: factor.recoveryCodes[0]!,
    });
  });

  it.each(['refuses a wrong password beside the code', 'refuses a wrong code'] as const)('%s', async (name) =>
    expectAsDocumented(name, await pending()),
  );

  it('refuses a code after the window', async () => {
    const createdAt = new Date(latchkey.clock.milliseconds() - OTP_WINDOW_MILLISECONDS - 1);
    await expectAsDocumented('refuses a code after the window', {
      ...(await pending(createdAt)),
      otp: factor.recoveryCodes[1]!,
    });
  });

  /** The document's user has a password that no new user could choose. */
  async function addDocumentedUser(): Promise<SignedInPerson> {
    const { email, password } = EXAMPLES['signs in'].request.body.data.attributes;
    const { id } = await latchkey.addUser({ email, password: null });
    const hash = await bcrypt.hash(password, 4);
    await latchkey.sql('UPDATE users SET password_hash = $1 WHERE id = $2', [hash, id]);
    return { id, email, password, ...(await latchkey.signIn({ email, password })) };
  }

  /** The document's pending sessions came from nowhere, as none does that was opened over HTTP. */
  async function pending(createdAt = latchkey.clock.now()): Promise<Stage> {
    const { sessionId } = await addSession(latchkey, person.id, { status: 'pending_otp', createdAt });
    return { sessionId, userId: person.id };
  }

  async function expectAsDocumented(name: keyof typeof EXAMPLES, stage: Stage): Promise<Response> {
    const example: Example = EXAMPLES[name];
    const response = await replay(example, stage);
    expect(response.status).toBe(example.response.status);
    expect(response.headers['content-type']).toBe(documentedType(example)?.replace('; charset=utf-8', ''));
    expect(shapeOf(response.text)).toBe(shapeOf(JSON.stringify(example.response.body ?? '')));
    return response;
  }

  async function replay(
    { request: { method, path, headers, body } }: Example,
    stage: Stage,
  ): Promise<Response> {
    const verb = method.toLowerCase() as 'get';
    const test = request(latchkey.url)[verb](path.replace(/\/\d+/, `/${stage.sessionId}`));
    void test.set(headers).set('User-Agent', 'Mozilla/5.0');
    if (stage.token !== undefined) void test.set('X-Auth-Token', stage.token);
    return body === undefined ? test : test.send(JSON.stringify(filledIn(body, stage)));
  }
});

function documentedType({ response }: Example): string | undefined {
  return response.headers['Content-Type'];
}

/** The document's body with this test's own user and code. */
function filledIn(body: object, { userId, otp }: Stage): object {
  return JSON.parse(JSON.stringify(body), (name, value: unknown) => {
    if (name === 'id' && userId !== undefined) return userId;
    return name === 'otp' && otp !== undefined ? otp : value;
  });
}

const FORMS: Readonly<Record<string, RegExp>> = {
  id: /^"[1-9]\d*"$/,
  user_id: /^[1-9]\d*$/,
  token: /^"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"$/,
  last_activity_at: /^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d"$/,
  token_expires_at: /^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d"$/,
  exp: /^\d{10}$/,
  jwt: /^"[\w-]+\.[\w-]+\.[\w-]+"$/,
};

/** A body in its own order of keys, with the form of each id, date and token in place of its value. */
function shapeOf(body: string): string {
  if (body === '' || body === '""') return '';
  const formed = (name: string, value: unknown) => {
    if (name === 'attributes' && (value as { two_factor_auth?: boolean }).two_factor_auth) {
      // The document's rows with a second factor never expire, as fixtures may; ours slide (DECISIONS.md, Native 8).
      return { ...(value as object), token_expires_at: 'token_expires_at' };
    }
    return FORMS[name]?.test(JSON.stringify(value)) ? name : value;
  };
  return JSON.stringify(JSON.parse(body, formed), null, 2);
}
