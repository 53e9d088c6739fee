import { existsSync } from 'node:fs';
import { URL } from 'node:url';

const EMBER = new URL('../../node_modules/ember-source/dist/prod/packages/', import.meta.url);

/** Finds `@ember/…` and `@glimmer/…` in ember-source, as Ember's build does. */
export function resolve(specifier, context, nextResolve) {
  if (!/^@(ember|glimmer)\//.test(specifier)) return nextResolve(specifier, context);
  const url = [`${specifier}.js`, `${specifier}/index.js`]
    .map((path) => new URL(path, EMBER))
    .find((candidate) => existsSync(candidate));
  return url ? { url: url.href, shortCircuit: true } : nextResolve(specifier, context);
}
