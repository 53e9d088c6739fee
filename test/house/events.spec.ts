import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { ACTIONS } from '../../src/events/actions.js';
import { eventResource } from '../../src/events/event.resource.js';
import { nodesOf, sourceFiles } from '../support/source-files.js';

const page = readFileSync(join(import.meta.dirname, '../../docs/events.md'), 'utf8');

/** The names in the first column of the table that has this head. */
function firstColumn(head: string): (string | undefined)[] {
  const [, rows = ''] = page.split(new RegExp(`^\\| ${head} +\\|.*\\n\\|[ |-]+\\|\\n`, 'm'));
  return [...rows.split(/\n(?!\|)/)[0]!.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name);
}

describe('docs/events.md', () => {
  it('has every action', () => {
    expect(firstColumn('Action')).toEqual([...ACTIONS]);
  });

  it('has every attribute', () => {
    expect(firstColumn('Attribute')).toEqual(Object.keys(eventResource.attributes));
  });
});

describe('actions', () => {
  it('all happen', () => {
    const literals = sourceFiles()
      .filter(({ path }) => path !== 'src/events/actions.ts' && !path.startsWith('src/openapi/'))
      .flatMap(({ tree }) => [...nodesOf(tree)].filter(ts.isStringLiteral).map(({ text }) => text));
    expect(ACTIONS.filter((action) => !literals.includes(action))).toEqual([]);
  });
});
