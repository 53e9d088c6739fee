import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

const ROOT = resolve(import.meta.dirname, '../..');

/** A file of src/, parsed. */
export interface SourceFile {
  /** From the project's root, e.g. `src/users/email.ts`. */
  readonly path: string;
  readonly tree: ts.SourceFile;
}

/** Every file of src/. */
export function sourceFiles(): SourceFile[] {
  return readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join('src', name))
    .sort()
    .map((path) => ({ path, tree: parse(path) }));
}

/** What a file imports, by `import`, `import type`, `export … from`, `import()` and `import('…').Type`. */
export function importsOf({ path, tree }: SourceFile): { files: string[]; packages: string[] } {
  const specifiers = new Set<string>();
  for (const node of nodesOf(tree)) {
    const specifier = specifierOf(node);
    if (specifier !== undefined) specifiers.add(specifier);
  }
  const isFile = (specifier: string) => specifier.startsWith('.');
  const toPath = (specifier: string) =>
    relative(ROOT, resolve(ROOT, dirname(path), specifier)).replace(/\.js$/, '.ts');
  return {
    files: [...specifiers].filter(isFile).map(toPath),
    packages: [...specifiers].filter((specifier) => !isFile(specifier)),
  };
}

/** Every node of a tree, from the root on. */
export function* nodesOf(tree: ts.Node): Generator<ts.Node> {
  yield tree;
  const children: ts.Node[] = [];
  tree.forEachChild((child) => void children.push(child));
  for (const child of children) yield* nodesOf(child);
}

function parse(path: string): ts.SourceFile {
  return ts.createSourceFile(path, readFileSync(join(ROOT, path), 'utf8'), ts.ScriptTarget.ES2023, true);
}

function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return textOf(node.moduleSpecifier);
  if (ts.isImportTypeNode(node)) {
    return ts.isLiteralTypeNode(node.argument) ? textOf(node.argument.literal) : undefined;
  }
  const isDynamic = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  return isDynamic ? textOf(node.arguments[0]) : undefined;
}

function textOf(node: ts.Node | undefined): string | undefined {
  return node && ts.isStringLiteralLike(node) ? node.text : undefined;
}
