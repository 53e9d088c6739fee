import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { sourceFiles } from '../support/source-files.js';

/** What a service, a store or a helper class offers: its methods that anyone may call. */
function publicMethodsOf(declaration: ts.ClassDeclaration): ts.MethodDeclaration[] {
  return declaration.members
    .filter((member) => ts.isMethodDeclaration(member))
    .filter((method) => (ts.getCombinedModifierFlags(method) & ts.ModifierFlags.Private) === 0);
}

const hasDocstring = (node: ts.Node) => ts.getJSDocCommentsAndTags(node).length > 0;
const isExported = (node: ts.Declaration) =>
  (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Export) !== 0;

describe('what a room offers', () => {
  it('says what it promises: every public method of a service, and every exported function', () => {
    const silent = sourceFiles().flatMap(({ path, tree }) => {
      const functions = tree.statements.filter(
        (statement): statement is ts.FunctionDeclaration =>
          ts.isFunctionDeclaration(statement) && isExported(statement),
      );
      const classes = tree.statements.filter((statement) => ts.isClassDeclaration(statement));
      const methods = path.endsWith('.service.ts') ? classes.flatMap(publicMethodsOf) : [];
      return [...functions, ...methods.filter((method) => method.name.getText() !== 'onModuleInit')]
        .filter((node) => !hasDocstring(node))
        .map((node) => `${path} ${node.name?.getText()}`);
    });
    expect(silent).toEqual([]);
  });
});
