import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addSession } from '../support/fixture-session.js';
import { Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { HOUR, idsOf, sessionsOfEveryKind, type Row, type Shown } from '../support/listed-sessions.js';

const PATH = '/api/v2/sessions';
const TEXTS = ['name', 'last_ip', 'location', 'device', 'platform', 'browser'];
const BOOLEANS = ['machine', 'read_only', 'two_factor_auth', 'single_sign_on'];
const INSTANTS = ['last_activity_at', 'token_expires_at', 'created_at'];

/** A full hour, so that instants can be written in several ways. */
const NOW = new Date(Math.ceil(Date.now() / HOUR) * HOUR);
const isoOf = (hoursAhead: number) => new Date(NOW.getTime() + hoursAhead * HOUR).toISOString();

describe('GET /api/v2/sessions, filtered and sorted', () => {
  let latchkey: Latchkey;
  let owner: SignedInPerson;

  beforeAll(async () => {
    latchkey = await Latchkey.start();
    latchkey.clock.freeze(NOW);
    owner = await latchkey.asUser();
    const other = await latchkey.asUser();
    for (const row of sessionsOfEveryKind(latchkey.clock.milliseconds()))
      await addSession(latchkey, owner.id, row);
    await addSession(latchkey, other.id, { name: 'laptop', location: 'vienna' });
  });
  afterAll(() => latchkey?.stop());

  const get = (query: string, token = owner.token) =>
    latchkey.get(query === '' ? PATH : `${PATH}?${query}`, token);
  const list = async (query: string, token = owner.token) => (await get(query, token).expect(200)).body;
  /** All of the owner's sessions with whatever can be filtered by: what the references below work on. */
  const everyRow = async (): Promise<Row[]> => {
    const fields = [...TEXTS, ...BOOLEANS, ...INSTANTS, 'user_id'].join();
    return (await list(`page[size]=200&fields[sessions]=${fields}`)).data;
  };

  describe('200, filters', () => {
    const cases = [
      ...TEXTS.flatMap((name) =>
        ['eq', 'not_eq', 'contains', 'not_contain', 'gt', 'gt_eq', 'lt', 'lt_eq'].map((operator) => [
          name,
          operator,
          operator.includes('contain') ? ['AP', '0.1,lin'] : ['laptop', 'vienna,192.0.2.1,linux', 'nothing'],
        ]),
      ),
      ...BOOLEANS.flatMap((name) =>
        ['eq', 'not_eq'].map((operator) => [name, operator, ['true', 'false', 'true,false']]),
      ),
      ...INSTANTS.flatMap((name) =>
        ['eq', 'not_eq', 'gt', 'gt_eq', 'lt', 'lt_eq'].map((operator) => [
          name,
          operator,
          [isoOf(-1), `${isoOf(1).replace('Z', '+02:00')},${isoOf(48)}`, isoOf(0).slice(0, 10)],
        ]),
      ),
      ...['eq', 'not_eq', 'gt', 'gt_eq', 'lt', 'lt_eq'].map((operator) => [
        'user_id',
        operator,
        ['1', '2,3'],
      ]),
    ] as [string, string, string[]][];

    it.each(cases)('%s by %s', async (name, operator, valueLists) => {
      const rows = await everyRow();
      for (const values of valueLists) {
        const body = await list(`filter[${name}][${operator}]=${encodeURIComponent(values)}`);
        const kept = rows.filter((row) => holds(row.attributes[name]!, operator, values.split(','), name));
        expect({ values, ids: idsOf(body) }).toEqual({ values, ids: kept.map(({ id }) => id) });
        expect(body.meta.total_count).toBe(kept.length);
      }
    });

    it('means "equals" without an operator, and any of its values', async () => {
      const once = await list('filter[name][eq]=laptop,phone');
      expect(await list('filter[name]=laptop,phone')).toMatchObject({ data: once.data });
      expect(idsOf(await list('filter[name]=laptop&filter[name]=phone'))).toEqual(idsOf(once));
      expect(once.data).toHaveLength(3);
    });

    it('takes % and _ for themselves', async () => {
      expect((await list('filter[name][contains]=%25')).data).toHaveLength(1);
      expect((await list('filter[name][contains]=_')).data).toHaveLength(1);
    });

    it('holds all of several filters, unless they are combined by or', async () => {
      const ids = async (query: string) => new Set(idsOf(await list(query)));
      const phones = await ids('filter[name]=phone');
      const machines = await ids('filter[machine]=true');
      expect(await ids('filter[name]=phone&filter[machine]=true')).toEqual(
        new Set([...phones].filter((id) => machines.has(id))),
      );
      expect(await ids('filter[$op]=or&filter[name]=phone&filter[machine]=true')).toEqual(
        new Set([...phones, ...machines]),
      );
    });

    it('combines groups within groups', async () => {
      const grouped =
        'filter[$op]=or&filter[0][name][eq]=phone&filter[1][$op]=and&filter[1][0][machine]=true' +
        '&filter[1][1][read_only]=true';
      const rows = await everyRow();
      const kept = rows.filter(
        ({ attributes }) => attributes.name === 'phone' || (attributes.machine && attributes.read_only),
      );
      expect(idsOf(await list(grouped))).toEqual(kept.map(({ id }) => id));
      expect(kept.length).toBeGreaterThan(2);
    });
  });

  describe('200, order', () => {
    it.each([...TEXTS, ...BOOLEANS, ...INSTANTS, 'user_id', 'id'])(
      'by %s, either way, ties by id and nulls last',
      async (name) => {
        const rows = await everyRow();
        for (const direction of [1, -1]) {
          const sorted = [...rows].sort((a, b) => order(a, b, name, direction));
          const body = await list(`sort=${direction < 0 ? '-' : ''}${name}`);
          expect(idsOf(body)).toEqual(sorted.map(({ id }) => id));
        }
      },
    );

    it('by several fields in turn', async () => {
      const rows = await everyRow();
      const sorted = [...rows].sort(
        (a, b) =>
          order(a, b, 'machine', -1, false) || order(a, b, 'name', 1, false) || order(a, b, 'id', -1, false),
      );
      expect(idsOf(await list('sort=-machine,name,-id'))).toEqual(sorted.map(({ id }) => id));
    });
  });

  describe('400', () => {
    it.each([
      ['page[size]=0', 'page[size]', 'Invalid Parameter'],
      ['page[size]=-1', 'page[size]', 'Invalid Parameter'],
      ['page[size]=abc', 'page[size]', 'Invalid Parameter'],
      ['page[size]=', 'page[size]', 'Invalid Parameter'],
      ['page[size]=1e400', 'page[size]', 'Invalid Parameter'],
      ['page[size]=1.5', 'page[size]', 'Invalid Parameter'],
      ['page[size]=%D9%A3', 'page[size]', 'Invalid Parameter'],
      ['page[size]=1&page[size]=2', 'page[size]', 'Invalid Parameter'],
      ['page[size][x]=1', 'page[size][x]', 'Unsupported Parameter'],
      ['page[limit]=1', 'page[limit]', 'Unsupported Parameter'],
      ['page[number]=0', 'page[number]', 'Invalid Parameter'],
      ['page[number]=-1', 'page[number]', 'Invalid Parameter'],
      ['page[number]=NaN', 'page[number]', 'Invalid Parameter'],
      ['page[number]=1000000000000000000', 'page[number]', 'Invalid Parameter'],
      ['page[number]=9223372036854775808', 'page[number]', 'Invalid Parameter'],
      ['page[number]=2&page[after]=', 'page[number]', 'Invalid Parameter'],
      ['page[after]=&page[before]=', 'page[before]', 'Range Pagination Not Supported'],
      ['page[after]=nonsense', 'page[after]', 'Invalid Parameter'],
      [`page[before]=${'A'.repeat(5_000)}`, 'page[before]', 'Invalid Parameter'],
      ['page[after]=&page[size]=201', 'page[size]', 'Page Too Large'],
      ['page[after]=&sort=name', 'sort', 'Unsupported Sort'],
      ['page[after]=&sort=machine,-created_at', 'sort', 'Unsupported Sort'],
      ['filter[nonsense]=1', 'filter[nonsense]', 'Unsupported Filter'],
      ['filter[note]=a', 'filter[note]', 'Unsupported Filter'],
      ['filter[agent_avatar]=a', 'filter[agent_avatar]', 'Unsupported Filter'],
      ['filter[status]=active', 'filter[status]', 'Unsupported Filter'],
      ['filter[user_agent]=a', 'filter[user_agent]', 'Unsupported Filter'],
      ['filter[version]=1', 'filter[version]', 'Unsupported Filter'],
      ['filter[__proto__]=a', 'filter[__proto__]', 'Unsupported Filter'],
      ['filter[constructor][name]=a', 'filter[constructor][name]', 'Unsupported Filter'],
      ['filter[name][like]=a', 'filter[name][like]', 'Unsupported Filter'],
      ['filter[machine][gt]=true', 'filter[machine][gt]', 'Unsupported Filter'],
      ['filter[created_at][contains]=2', 'filter[created_at][contains]', 'Unsupported Filter'],
      ['filter[user_id][contains]=2', 'filter[user_id][contains]', 'Unsupported Filter'],
      ['filter[machine]=yes', 'filter[machine]', 'Invalid Parameter'],
      ['filter[user_id]=abc', 'filter[user_id]', 'Invalid Parameter'],
      ['filter[user_id]=9223372036854775808', 'filter[user_id]', 'Invalid Parameter'],
      ['filter[user_id]=all,1', 'filter[user_id]', 'Invalid Parameter'],
      ['filter[user_id][not_eq]=all', 'filter[user_id][not_eq]', 'Invalid Parameter'],
      ['filter[user_id]=all&filter[$op]=or', 'filter[user_id]', 'Invalid Parameter'],
      ['filter[0][user_id]=all', 'filter[0][user_id]', 'Invalid Parameter'],
      ['filter[created_at]=yesterday', 'filter[created_at]', 'Invalid Parameter'],
      ['filter[created_at]=2026-02-30', 'filter[created_at]', 'Invalid Parameter'],
      ['filter[created_at]=2026-05-01T12:00:00', 'filter[created_at]', 'Invalid Parameter'],
      ['filter[$op]=xor&filter[name]=a', 'filter[$op]', 'Invalid Parameter'],
      ['filter=a', 'filter', 'Unsupported Parameter'],
      ['sort=token', 'sort', 'Unsupported Sort'],
      ['sort=note', 'sort', 'Unsupported Sort'],
      ['sort=token_hash', 'sort', 'Unsupported Sort'],
      ['sort=user.email', 'sort', 'Unsupported Sort'],
      ['sort=status', 'sort', 'Unsupported Sort'],
      ['sort=', 'sort', 'Unsupported Sort'],
      ['sort=--name', 'sort', 'Unsupported Sort'],
      ['sort=name,name', 'sort', 'Unsupported Sort'],
      ['sort=name,', 'sort', 'Unsupported Sort'],
      ['sort=1;SELECT pg_sleep(9)', 'sort', 'Unsupported Sort'],
      ['sort=name desc', 'sort', 'Unsupported Sort'],
      ['sort=constructor', 'sort', 'Unsupported Sort'],
      ['sort=toString', 'sort', 'Unsupported Sort'],
      ['sort=__proto__', 'sort', 'Unsupported Sort'],
      ['include=users', 'include', 'Unsupported Include'],
      ['include=user.sessions', 'include', 'Unsupported Include'],
      [`include=${'user.'.repeat(40)}user`, 'include', 'Unsupported Include'],
      [`include=${'x,'.repeat(500)}x`, 'include', 'Unsupported Include'],
      ['include=__proto__', 'include', 'Unsupported Include'],
      ['fields[sessions]=secret', 'fields[sessions]', 'Unsupported Field'],
      ['fields[cats]=name', 'fields[cats]', 'Unsupported Field'],
      ['format=xml', 'format', 'Unsupported Parameter'],
      ['callback=f', 'callback', 'Unsupported Parameter'],
      ['token=abc', 'token', 'Secret In Query'],
    ])('SECURITY 96–103: %s is refused by name', async (query, parameter, title) => {
      const { body } = await get(query.replaceAll(' ', '%20')).expect(400);
      expect(body.errors).toHaveLength(1);
      expect(body.errors[0]).toMatchObject({
        status: '400',
        code: 'bad_request',
        title,
        source: { parameter },
      });
    });

    it.each([
      ['Filter', 'filter[colour]=1', "Filter 'colour' is not supported on this endpoint"],
      ['Sort', 'sort=-colour', "Sort by '-colour' is not supported on this endpoint"],
      ['Include', 'include=colour', "Include 'colour' is not supported on this endpoint"],
    ])('Unsupported %s has the sentence of the public documentation', async (_, query, detail) => {
      const { body } = await get(query).expect(400);
      expect(body.errors[0].detail).toBe(detail);
    });

    it.each([
      ['1,500 lists', 'a[]=1&'.repeat(1_000)],
      ['800 brackets', `a${'[b]'.repeat(800)}=1`],
      ['a long name', `${'a'.repeat(4_000)}=1`],
      ['an index', 'a[4294967295]=1'],
      ['a lone percent sign', '%'],
      ['half a character', 'sort=%E0%A4%A'],
      ['a NUL', 'filter[name]=%00'],
      ['many conditions', Array.from({ length: 51 }, (_, n) => `filter[${n}][name]=a`).join('&')],
      ['many values', `filter[name]=${'a,'.repeat(201)}a`],
      ['deep groups', 'filter[0][0][0][0][0][name]=a'],
    ])('SECURITY 103: %s', async (_, query) => {
      const { body } = await get(query).expect(400);
      expect(body.errors[0].status).toBe('400');
    });

    it('SECURITY 100: tells nothing about columns that are not shown', async () => {
      for (const column of ['token', 'token_hash', 'tokenHash', 'password_hash', 'user.password_hash']) {
        for (const operator of ['eq', 'gt', 'lt', 'contains', 'not_eq']) {
          const answers = await Promise.all(
            [...'0123456789abcdef'].map((digit) => get(`filter[${column}][${operator}]=${digit}`)),
          );
          expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
          expect(answers[0]!.status).toBe(400);
        }
      }
    });
  });

  it('SECURITY 99: no value makes a filter fail', async () => {
    const values = [
      '',
      "'",
      '"',
      '\\',
      '%',
      '_',
      '*',
      '[a',
      '(',
      '$1',
      '{}',
      'null',
      '-1',
      '٣',
      'x'.repeat(2_000),
    ];
    for (const name of [...TEXTS, ...BOOLEANS, ...INSTANTS, 'user_id']) {
      for (const value of values) {
        const { status, body } = await get(`filter[${name}]=${encodeURIComponent(value)}`);
        expect({ name, value, status }).toEqual({
          name,
          value,
          status: TEXTS.includes(name) ? 200 : expect.any(Number),
        });
        expect([200, 400]).toContain(status);
        if (status === 200)
          for (const row of body.data as Row[]) expect(row.attributes.user_id).toBe(Number(owner.id));
      }
    }
  });
});

/** What a filter means, said once more. */
function holds(shown: Shown, operator: string, values: string[], name: string): boolean {
  const value = comparable(shown, name);
  const wanted = values.map((text) => comparable(text, name)!);
  const within = (text: Shown) => String(shown).toLowerCase().includes(String(text).toLowerCase());
  if (operator === 'not_eq') return value === null || wanted.every((one) => one !== value);
  if (operator === 'not_contain') return value === null || !values.some(within);
  if (value === null) return false;
  if (operator === 'contains') return values.some(within);
  const compare: Record<string, (one: number | string) => boolean> = {
    eq: (one) => value === one,
    gt: (one) => value > one,
    gt_eq: (one) => value >= one,
    lt: (one) => value < one,
    lt_eq: (one) => value <= one,
  };
  return wanted.some(compare[operator]!);
}

/** Nulls last whichever the direction; ties by id in the direction of the last field. */
function order(left: Row, right: Row, name: string, direction: number, breakTies = true): number {
  const [a, b] = [left, right].map((row) =>
    name === 'id' ? Number(row.id) : comparable(row.attributes[name]!, name),
  ) as [string | number | null, string | number | null];
  const ties = breakTies ? direction * (Number(left.id) - Number(right.id)) : 0;
  if (a === null || b === null) return a === b ? ties : a === null ? 1 : -1;
  if (a === b) return ties;
  return a < b ? -direction : direction;
}

function comparable(shown: Shown, name: string): string | number | null {
  if (shown === null) return null;
  if (INSTANTS.includes(name)) return Date.parse(String(shown));
  if (BOOLEANS.includes(name)) return Number(String(shown) === 'true');
  return name === 'user_id' ? Number(shown) : String(shown);
}
