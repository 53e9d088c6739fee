import { isDeepStrictEqual } from 'node:util';
import type { Problem } from '../refusal.js';
import type { AnyResource, Attribute } from './resource.js';
import { readInstant } from './values.js';

/**
 * Attributes that only the server sets. ember-data sends every attribute of its model, so each is accepted, and
 * ignored, when it is null, what a new resource starts with (no `stored`), or equal to what is stored;
 * otherwise it is a problem `not_settable`.
 * @param settable the names that the route does let a client set
 */
export function ownedProblems(
  sent: Readonly<Record<string, unknown>>,
  resource: AnyResource,
  settable: ReadonlySet<string>,
  stored?: object,
): Problem[] {
  return Object.entries<Attribute<object>>(resource.attributes)
    .filter(([name]) => name in sent && !settable.has(name))
    .filter(([name, attribute]) => !isHarmless(attribute, sent[name], stored))
    .map(([name]) => ({ reason: 'not_settable', attribute: name }));
}

function isHarmless(attribute: Attribute<object>, sent: unknown, stored: object | undefined): boolean {
  if (sent === null) return true;
  if (stored === undefined)
    return attribute.initial !== undefined && isDeepStrictEqual(sent, attribute.initial);
  if (attribute.matches) return attribute.matches(stored, sent);
  const shown = attribute.read(stored);
  if (attribute.moves) return !isLater(sent, shown);
  if (shown instanceof Date) return instantOf(sent) === shown.getTime();
  return isDeepStrictEqual(sent, JSON.parse(JSON.stringify(shown ?? null)));
}

/** Having moved on since the client read it is no try to set it; being ahead of the server is. */
function isLater(sent: unknown, shown: unknown): boolean {
  const instant = instantOf(sent);
  return instant !== undefined && shown instanceof Date && instant > shown.getTime();
}

function instantOf(sent: unknown): number | undefined {
  return typeof sent === 'string' ? readInstant(sent)?.getTime() : undefined;
}
