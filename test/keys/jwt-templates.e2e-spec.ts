import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OPERATOR } from '../../src/caller.js';
import { JwtTemplatesService } from '../../src/keys/jwt-templates.service.js';
import { fillIn } from '../../src/keys/shortcodes.js';
import { Refusal, type Problem } from '../../src/refusal.js';
import { Latchkey } from '../support/latchkey.js';

const USER = {
  id: 'user_1',
  first_name: 'Maria',
  last_name: null,
  full_name: null,
  email_verified: false,
  public_metadata: {
    interests: ['reading', 'climbing'],
    age: 0,
    profile: { city: "d'Artagnan", '2fa': true },
  },
};
const FACTS = { user: USER, org: null, session: { id: 'sess_1' } };

describe('a shortcode', () => {
  it.each([
    ['keeps the type of what it stands for', '{{user.public_metadata.interests}}', ['reading', 'climbing']],
    ['finds what lies deep', '{{ user.public_metadata.profile.city }}', "d'Artagnan"],
    ['may name a member that begins with a digit', '{{user.public_metadata.profile.2fa}}', true],
    ['is null for what is not there', '{{user.i_dont_exist}}', null],
    ['is null below what is not there', '{{org.public_metadata.plan.name}}', null],
    ['is null beyond a text', '{{user.first_name.length}}', null],
    ['finds nothing that JavaScript lends', '{{user.constructor.name}}', null],
    ['finds no prototype', '{{user.__proto__}}', null],
    ['becomes text inside a text', 'I am {{user.first_name}}!', 'I am Maria!'],
    ['writes null as text inside a text', '{{user.last_name}} {{user.first_name}}', 'null Maria'],
    [
      'writes an object as JSON inside a text',
      'x{{user.public_metadata.interests}}',
      'x["reading","climbing"]',
    ],
    ['falls back to a text', "{{user.full_name || 'Awesome User'}}", 'Awesome User'],
    ['falls back to a number', '{{user.nothing || org.nothing || 30 }}', 30],
    [
      'takes the first that is neither null nor false',
      '{{user.email_verified || user.first_name || 1}}',
      'Maria',
    ],
    ['takes nought for a value', '{{user.public_metadata.age || 30}}', 0],
    ['ends with the last one, whatever it is', '{{user.full_name || user.email_verified}}', false],
    ['may hold the bars inside a text', "{{user.full_name || 'a || b'}}", 'a || b'],
    ['never fills in what was filled in', "{{user.full_name || 'x'}} {user.id}", 'x {user.id}'],
  ])('%s', (_promise, template, value) => {
    expect(fillIn(template, FACTS)).toEqual(value);
  });

  it('is filled in wherever it stands, and everything else stays as it is', () => {
    const template = {
      aud: ['a', '{{user.id}}'],
      deep: { n: 1, b: true, z: null, s: '{{session.id}}' },
      '{{user.id}}': 1,
    };
    expect(fillIn(template, FACTS)).toEqual({
      aud: ['a', 'user_1'],
      deep: { n: 1, b: true, z: null, s: 'sess_1' },
      '{{user.id}}': 1,
    });
  });
});

describe('JWT templates', () => {
  let latchkey: Latchkey;
  let templates: JwtTemplatesService;

  beforeAll(async () => {
    latchkey = await Latchkey.start();
    templates = latchkey.app.get(JwtTemplatesService, { strict: false });
  });
  afterAll(() => latchkey.stop());

  const put = (claims: unknown, name = 'api', lifetimeSeconds = 60) =>
    templates.put(OPERATOR, { name, claims, lifetimeSeconds });

  it('are put, filled in, replaced and removed', async () => {
    const first = await put({ aud: 'one', who: '{{user.first_name}}' });
    expect(await templates.fill('api', FACTS)).toEqual({
      claims: { aud: 'one', who: 'Maria' },
      lifetimeSeconds: 60,
    });
    latchkey.clock.move(1000);
    const second = await put({ aud: 'two' }, 'api', 3600);
    expect(second.createdAt).toEqual(first.createdAt);
    expect(second.updatedAt.getTime()).toBeGreaterThan(first.updatedAt.getTime());
    expect(await templates.fill('api', FACTS)).toEqual({ claims: { aud: 'two' }, lifetimeSeconds: 3600 });
    expect((await templates.list()).map(({ name }) => name)).toEqual(['api']);
    await templates.remove(OPERATOR, 'api');
    expect(await templates.fill('api', FACTS)).toBeNull();
    expect(await problemOf(() => templates.remove(OPERATOR, 'api'))).toMatchObject({ reason: 'not_found' });
    expect(await problemOf(() => templates.read('api'))).toMatchObject({ reason: 'not_found' });
  });

  it.each([['unknown'], [''], ['a\0b'], ['../api'], ['\ud800'], ['x'.repeat(10_000)]])(
    'has none of the name %j',
    async (name) => {
      expect(await templates.fill(name, FACTS)).toBeNull();
    },
  );

  it.each(
    [
      ...['azp', 'exp', 'iat', 'iss', 'jti', 'nbf', 'sub'],
      ...['act', 'fea', 'fva', 'o', 'pla', 'sid', 'sts', 'v'],
      'type', // by which a native JWT is known
    ].map((name) => [name]),
  )('let nobody set the claim %s', async (name) => {
    expect(await problemOf(() => put({ [name]: 'user_2' }))).toMatchObject({
      reason: 'not_settable',
      attribute: 'claims',
    });
  });

  it.each<[string, unknown, string]>([
    ['a list', [], 'invalid'],
    ['a text', '{}', 'invalid'],
    ['nothing', null, 'invalid'],
    ['too much', { x: 'x'.repeat(4_096) }, 'too_long'],
    ['NUL', { x: 'a\0b' }, 'invalid'],
    ['half a surrogate pair', { 'a\ud800': 1 }, 'invalid'],
    ['an open shortcode', { x: '{{user.id' }, 'invalid'],
    ['an empty shortcode', { x: ['{{}}'] }, 'invalid'],
    ['a shortcode of nobody', { x: { y: '{{process.env}}' } }, 'invalid'],
    ['a shortcode that calls', { x: '{{user.id()}}' }, 'invalid'],
    ['a shortcode without a last operand', { x: '{{user.id || }}' }, 'invalid'],
    ['an operand in double quotes', { x: '{{user.id || "none"}}' }, 'invalid'],
    ['braces in braces', { x: '{{{{user.id}}}}' }, 'invalid'],
  ])('refuse %s as claims', async (_what, claims, reason) => {
    expect(await problemOf(() => put(claims))).toMatchObject({ reason, attribute: 'claims' });
  });

  it.each([[''], ['a b'], ['-a'], ['ä'], ['x'.repeat(65)]])('refuse the name %j', async (name) => {
    expect(await problemOf(() => put({}, name))).toMatchObject({ reason: 'invalid', attribute: 'name' });
  });

  it.each([[29], [3601], [60.5], [NaN], [-60]])('refuse a lifetime of %d seconds', async (seconds) => {
    expect(await problemOf(() => put({}, 'api', seconds))).toMatchObject({
      reason: 'invalid',
      attribute: 'lifetime_seconds',
    });
  });

  it('fill no token beyond all measure', async () => {
    await put({ x: '{{user.big}}{{user.big}}{{user.big}}' });
    const facts = { user: { big: 'x'.repeat(6_000) } };
    expect(await problemOf(() => templates.fill('api', facts))).toMatchObject({ reason: 'conflict' });
  });
});

async function problemOf(work: () => Promise<unknown>): Promise<Problem | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (error instanceof Refusal) return error.problems[0];
    throw error;
  }
}
