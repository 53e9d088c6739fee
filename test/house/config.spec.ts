import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Config, ConfigError, KEYS } from '../../src/config.js';
import { configTable } from '../support/config-table.js';

const SECRET = 'ab'.repeat(32);

/** What keeps Latchkey from starting in an environment. */
function wrongIn(environment: Record<string, string>): readonly string[] {
  try {
    new Config(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.wrong;
    throw error;
  }
}

describe('README', () => {
  it('has the configuration table of src/config.ts', () => {
    const path = join(import.meta.dirname, '../../README.md');
    const readme = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const shown = /^\|[^\n]*Key[^\n]*\|\n(?:\|[^\n]*\|\n?)*/m.exec(readme)?.[0] ?? '';
    expect(withoutPadding(shown)).toBe(configTable()); // on a difference, the expected table is the one to copy
  });

  it('finds a sentence and a default at every key', () => {
    for (const [name, { sentence, shownDefault }] of Object.entries(KEYS)) {
      expect({ name, sentence }).toEqual({ name, sentence: expect.stringMatching(/^\S.*\.$/) });
      expect({ name, shownDefault }).toEqual({ name, shownDefault: expect.stringMatching(/\S/) });
    }
  });
});

describe('the configuration', () => {
  it('is complete with nothing set at all', () => {
    expect(wrongIn({})).toEqual([]);
    expect(new Config({}).get('BCRYPT_COST')).toBe(12);
  });

  it('takes an empty value for one that is not set', () => {
    expect(wrongIn(Object.fromEntries(Object.keys(KEYS).map((name) => [name, ''])))).toEqual([]);
  });

  it('names everything that is wrong at once, and repeats no value', () => {
    const bad = {
      PORT: 'hunter2',
      PUBLIC_URL: 'hunter2',
      DATABASE_URL: 'hunter2',
      DATABASE_POOL_SIZE: 'hunter2',
      SECRET_KEY: 'hunter2',
      SESSION_DAYS: 'hunter2',
      OTP_WINDOW_SECONDS: 'hunter2',
      BCRYPT_COST: 'hunter2',
      PASSWORD_CONCURRENCY: 'hunter2',
      PASSWORD_QUEUE: 'hunter2',
      TRUST_PROXY: 'hunter2',
      ALLOWED_ORIGINS: 'hunter2',
      SMTP_URL: 'hunter2',
      DOCS: 'hunter2',
      LOG_LEVEL: 'hunter2',
    };
    const wrong = wrongIn(bad);
    expect(wrong.map((line) => line.split(' ')[0])).toEqual(Object.keys(bad));
    expect(wrong.join('\n')).not.toContain('hunter2');
  });

  it.each([
    [
      'a secret key that is missing beside DATABASE_URL',
      { DATABASE_URL: 'postgres://db/latchkey' },
      'SECRET_KEY',
    ],
    ['a secret key that is too short', { SECRET_KEY: 'ab'.repeat(31) }, 'SECRET_KEY'],
    ['a secret key that is not hex', { SECRET_KEY: 'xy'.repeat(32) }, 'SECRET_KEY'],
    ['a cost below 10', { BCRYPT_COST: '9' }, 'BCRYPT_COST'],
    ['a cost of the tests in production', { BCRYPT_COST: '4', NODE_ENV: 'production' }, 'BCRYPT_COST'],
    ['a port that is a word', { PORT: '0x50' }, 'PORT'],
    ['a port out of bounds', { PORT: '65536' }, 'PORT'],
    ['a window of part of a second', { OTP_WINDOW_SECONDS: '60.5' }, 'OTP_WINDOW_SECONDS'],
    ['a database of another kind', { DATABASE_URL: 'mysql://db/x', SECRET_KEY: SECRET }, 'DATABASE_URL'],
    ['a base of links with a query', { PUBLIC_URL: 'https://example.com/?a=b' }, 'PUBLIC_URL'],
    ['any origin', { ALLOWED_ORIGINS: '*' }, 'ALLOWED_ORIGINS'],
    ['an origin with a path', { ALLOWED_ORIGINS: 'https://example.com/app' }, 'ALLOWED_ORIGINS'],
    ['all proxies', { TRUST_PROXY: 'true' }, 'TRUST_PROXY'],
    [
      'two ways for SMS',
      {
        SMS_WEBHOOK_URL: 'https://sms.example.com',
        TWILIO_ACCOUNT_SID: 'AC1',
        TWILIO_AUTH_TOKEN: 't',
        TWILIO_FROM: '+1',
      },
      'SMS_WEBHOOK_URL',
    ],
    ['a yes that is not true', { DOCS: 'yes' }, 'DOCS'],
    ['a level that logs nothing known', { LOG_LEVEL: 'all' }, 'LOG_LEVEL'],
    ['a way of preparing that is unknown', { DATABASE_STATEMENTS: 'none' }, 'DATABASE_STATEMENTS'],
    [
      'a replica of the embedded database',
      { DATABASE_REPLICA_URL: 'postgres://replica/x' },
      'DATABASE_REPLICA_URL',
    ],
    ['no process at all', { WEB_CONCURRENCY: '0' }, 'WEB_CONCURRENCY'],
    ['webhooks that nobody could check', { WEBHOOK_URL: 'https://hooks.example.com' }, 'WEBHOOK_SECRET'],
    [
      'a key of webhooks that is too short',
      { WEBHOOK_URL: 'https://hooks.example.com', WEBHOOK_SECRET: 'whsec_c2hvcnQ=' },
      'WEBHOOK_SECRET',
    ],
    ['a clock that anybody can move in production', { QA_MODE: 'true', NODE_ENV: 'production' }, 'QA_MODE'],
    ['a clock in each of two processes', { QA_MODE: 'true', WEB_CONCURRENCY: '2' }, 'QA_MODE'],
  ])('SECURITY 170: refuses to start with %s', (_, environment, name) => {
    const wrong = wrongIn(environment);
    expect(wrong.map((line) => line.split(' ')[0])).toEqual([name]);
  });

  it('SECURITY 170: keeps the documentation off in production unless it is asked for', () => {
    expect(new Config({ NODE_ENV: 'production' }).get('DOCS')).toBe(false);
    expect(new Config({ NODE_ENV: 'production', DOCS: 'true' }).get('DOCS')).toBe(true);
  });
});

/** A Markdown table as narrow as it can be written: Prettier draws its columns wide. */
function withoutPadding(table: string): string {
  return table
    .trim()
    .split('\n')
    .map((line) => line.replace(/-{3,}/g, '---').replace(/ +\|/g, ' |').replace(/\| +/g, '| '))
    .join('\n');
}
