import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KEYS } from '../../src/config.js';

const read = (name: string) => readFileSync(join(import.meta.dirname, '../..', name), 'utf8');

describe('the image', () => {
  const instructions = read('Dockerfile')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line));
  const lastStage = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));

  it('SECURITY 176: runs as a user without privileges, and without a shell in between', () => {
    expect(lastStage.findLast((line) => line.startsWith('USER '))).toBe('USER node');
    expect(lastStage.find((line) => line.startsWith('CMD '))).toMatch(/^CMD \["node", /);
    expect(lastStage.filter((line) => line.startsWith('ENTRYPOINT '))).toEqual([]);
  });

  it('SECURITY 176: is for production, and holds no secret: no setting of one, no file beside the code', () => {
    expect(lastStage).toContain('ENV NODE_ENV=production');
    const settings = instructions.filter((line) => /^(ENV|ARG) /.test(line));
    expect(settings.filter((line) => /SECRET|PASSWORD|TOKEN|KEY|_URL/i.test(line))).toEqual([]);
    expect(lastStage.filter((line) => /^(COPY|ADD) (?!--from=build )/.test(line))).toEqual([]);
    expect(read('.dockerignore').split('\n')).toEqual(
      expect.arrayContaining(['.env', '.env.*', 'data', '.git']),
    );
  });

  it('SECURITY 176: is given by compose a file system it cannot write to, no capabilities, and secrets from outside', () => {
    const compose = read('compose.yaml');
    expect(compose).toMatch(/^ {4}read_only: true$/m);
    expect(compose).toMatch(/^ {4}cap_drop: \[ALL\]$/m);
    const secrets = compose.match(/^ +(?:SECRET_KEY|\w*PASSWORD): .*$/gm) ?? [];
    expect(secrets).toHaveLength(3);
    for (const line of secrets) expect(line).toMatch(/: \$\{\w+:[-?][^}]*\}$/);
    expect(read('.env.example')).not.toMatch(/^(?:SECRET_KEY|\w*PASSWORD)=./m);
  });

  it('is handed by compose what codes and events are sent by, which APIs it serves, and to whom', () => {
    const handed = [...read('compose.yaml').matchAll(/^ {6}(\w+): \$\{\1:-\}$/gm)].map(([, name]) => name);
    expect(Object.keys(KEYS)).toEqual(expect.arrayContaining(handed));
    expect(handed).toEqual(
      expect.arrayContaining(
        Object.keys(KEYS).filter((name) => /^(SMTP|MAIL|SMS|TWILIO|FACES|ALLOWED|WEBHOOK)/.test(name)),
      ),
    );
  });
});
