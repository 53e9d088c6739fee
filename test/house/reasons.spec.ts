import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { WORDS, type Words } from '../../src/json-api/words.js';
import { nodesOf, sourceFiles } from '../support/source-files.js';

const files = sourceFiles();
const reasons = reasonsOfTheUnion();

/** Status → codes: productive.txt and DECISIONS.md, Native 4, 5, 6 and 14; `step_up_required`: SECURITY.md 86. */
const DOCUMENTED: Readonly<Record<number, readonly string[]>> = {
  400: ['bad_request'],
  401: ['invalid_auth_token'],
  403: ['forbidden', 'otp_required', 'read_only_session', 'step_up_required', 'validation_time_expired'],
  404: ['not_found'],
  405: ['method_not_allowed'],
  406: ['not_acceptable'],
  409: ['conflict'],
  413: ['payload_too_large'],
  415: ['unsupported_media_type'],
  422: ['invalid_attribute'],
  429: ['too_many_requests'],
  431: ['headers_too_large'],
  500: ['internal_error'],
  503: ['unavailable'],
};

describe('reasons', () => {
  it('each have words in the native API, and no words are without a reason', () => {
    expect(Object.keys(WORDS).sort()).toEqual([...reasons].sort());
    for (const { title, detail } of Object.values<Words>(WORDS)) {
      expect(title.trim()).not.toBe('');
      expect(detail.trim()).not.toBe('');
    }
  });

  it('are each given somewhere', () => {
    const given = new Set<string>();
    for (const { path, tree } of files) {
      if (path === 'src/refusal.ts' || path.endsWith('/words.ts') || path.endsWith('/errors.ts')) continue;
      for (const node of nodesOf(tree)) if (ts.isStringLiteral(node)) given.add(node.text);
    }
    expect(reasons.filter((reason) => !given.has(reason))).toEqual([]);
  });

  it('reach exactly the statuses and codes that are documented', () => {
    const reached: Record<number, string[]> = {};
    for (const { status, code } of Object.values<Words>(WORDS)) {
      reached[status] = [...new Set([...(reached[status] ?? []), code])].sort();
    }
    expect(reached).toEqual(DOCUMENTED);
  });
});

function reasonsOfTheUnion(): string[] {
  const tree = files.find(({ path }) => path === 'src/refusal.ts')!.tree;
  const union = tree.statements.find(
    (statement): statement is ts.TypeAliasDeclaration =>
      ts.isTypeAliasDeclaration(statement) && statement.name.text === 'Reason',
  )!;
  return [...nodesOf(union)].filter((node) => ts.isStringLiteral(node)).map((node) => node.text);
}
