import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { importsOf, nodesOf, sourceFiles } from '../support/source-files.js';

/** The house, from the vocabulary up to the door (CONTRIBUTING.md has the map). */
const RUNGS: Readonly<Record<string, number>> = {
  'src/bulkhead.ts': 0,
  'src/caller.ts': 0,
  'src/clock.ts': 0,
  'src/coalescing.ts': 0,
  'src/garbage-collector.ts': 0,
  'src/config.ts': 0,
  'src/page.ts': 0,
  'src/refusal.ts': 0,
  'src/remembered.ts': 0,
  'src/secrets.ts': 0,
  'src/json-api': 1,
  'src/http': 1,
  'src/delivery': 1,
  'src/database': 1,
  'src/events': 1.5, // what happened: whoever acts writes it down, so it lies below them all
  'src/users': 2,
  'src/keys': 2,
  'src/otp': 3,
  'src/sessions': 4,
  'src/machine-tokens': 5,
  'src/faces/lendix': 6,
  'src/faces/clerk': 6,
  'src/faces/portos': 6,
  'src/faces/zitadel': 6,
  'src/qa': 6, // what tests do from outside, by the services below
  'ormconfig.ts': 6, // it names every table, so the vocabulary and the rooms may not know it
  'src/openapi': 6.5, // it describes every room's routes
  'src/app.module.ts': 7,
  'src/greeting.ts': 8,
  'src/workers.ts': 8,
  'src/main.ts': 9,
  'src/cli': 8,
  'src/cli.ts': 9, // it gathers the commands
};

const VOCABULARY = 'the vocabulary';
const rungOf = (room: string) => (room === VOCABULARY ? 0 : RUNGS[room]!);

const files = sourceFiles();
const importsByFile = new Map(files.map((file) => [file.path, importsOf(file)]));

/** The room that a file is in; the files of the vocabulary lie in one folder, so they count as one room. */
function roomOf(path: string): string {
  const room = Object.keys(RUNGS).find((name) => path === name || path.startsWith(`${name}/`));
  return RUNGS[room ?? ''] === 0 ? VOCABULARY : (room ?? 'no room');
}

describe('the ladder', () => {
  it('has a rung for every file', () => {
    expect(files.map(({ path }) => path).filter((path) => roomOf(path) === 'no room')).toEqual([]);
  });

  it('is only climbed down: a file imports from lower rungs or from its own folder', () => {
    const climbs = [...importsByFile].flatMap(([path, { files: imported }]) =>
      imported
        .filter((target) => {
          const [from, to] = [roomOf(path), roomOf(target)];
          return from !== to && !(rungOf(to) < rungOf(from));
        })
        .map((target) => `${path} imports ${target}`),
    );
    expect(climbs).toEqual([]);
  });

  it('stands on a vocabulary that knows neither Nest nor TypeORM', () => {
    const strangers = [...importsByFile]
      .filter(([path]) => roomOf(path) === VOCABULARY)
      .flatMap(([path, { packages }]) => packages.map((name) => `${path} imports ${name}`))
      .filter((line) => /@nestjs|typeorm|express/.test(line));
    expect(strangers).toEqual([]);
  });

  it('has no circles', () => {
    const circles: string[] = [];
    const done = new Set<string>();
    const visit = (path: string, way: readonly string[]): void => {
      if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(' → '));
      if (done.has(path) || way.includes(path)) return;
      for (const next of importsByFile.get(path)?.files ?? []) visit(next, [...way, path]);
      done.add(path);
    };
    for (const path of importsByFile.keys()) visit(path, []);
    expect(circles).toEqual([]);
  });

  it('has no barrels: no file only hands on what others export', () => {
    const handsOn = (statement: ts.Statement) =>
      ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement);
    expect(files.filter(({ tree }) => tree.statements.every(handsOn)).map(({ path }) => path)).toEqual([]);
  });
});

describe('one place each', () => {
  /** The files in which an expression occurs. */
  const filesWith = (matches: (node: ts.Node) => boolean) =>
    files.filter(({ tree }) => [...nodesOf(tree)].some(matches)).map(({ path }) => path);

  it('reads the environment in config.ts', () => {
    // embedded-server.ts hands the environment on to the programs of PostgreSQL, without looking into it.
    const reads = filesWith(
      (node) => ts.isPropertyAccessExpression(node) && node.getText() === 'process.env',
    );
    expect(reads.filter((path) => !path.startsWith('src/database/'))).toEqual(['src/config.ts']);
  });

  it('reads the time in clock.ts', () => {
    const reads = filesWith(
      (node) =>
        (ts.isCallExpression(node) && node.getText() === 'Date.now()') ||
        (ts.isNewExpression(node) && node.getText() === 'new Date()'),
    );
    expect(reads).toEqual(['src/clock.ts']);
  });

  it('draws no secret from Math.random', () => {
    expect(filesWith((node) => node.getText() === 'Math.random')).toEqual([]);
  });
});
