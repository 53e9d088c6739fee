/** What is wrong with an answer's document by JSON:API 1.1 §document-structure and §errors; empty when nothing is. */
export function documentProblems(document: unknown, { sparse = false } = {}): string[] {
  const problems: string[] = [];
  const complain = (path: string, problem: string) => void problems.push(`${path || '/'}: ${problem}`);
  if (!isObject(document)) return ['/: no object'];
  onlyMembers(document, TOP_LEVEL, '', complain);
  if (!['data', 'errors', 'meta'].some((name) => name in document))
    complain('', 'none of data, errors, meta');
  if ('data' in document && 'errors' in document) complain('', 'data and errors together');
  if ('included' in document && !('data' in document)) complain('', 'included without data');
  const primary = [document.data ?? []].flat() as Json[];
  const included = (document.included ?? []) as Json[];
  primary.forEach((resource, index) => checkResource(resource, `data/${index}`, complain));
  included.forEach((resource, index) => checkResource(resource, `included/${index}`, complain));
  checkIncluded(primary, included, sparse, complain);
  checkLinks(document.links, 'links', complain);
  if ('errors' in document) checkErrors(document.errors, complain);
  return problems;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever JSON there was
type Json = Record<string, any>;
type Complain = (path: string, problem: string) => void;

const TOP_LEVEL = ['data', 'errors', 'meta', 'jsonapi', 'links', 'included'];
const RESOURCE = ['id', 'type', 'attributes', 'relationships', 'links', 'meta'];
const ERROR = ['id', 'links', 'status', 'code', 'title', 'detail', 'source', 'meta'];
const MEMBER_NAME = /^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$/i;

function checkResource(resource: Json, path: string, complain: Complain): void {
  onlyMembers(resource, RESOURCE, path, complain);
  for (const name of ['id', 'type']) {
    if (typeof resource[name] !== 'string') complain(path, `${name} is no string`);
  }
  const relationships = (resource.relationships ?? {}) as Record<string, Json>;
  const fields = [...Object.keys(resource.attributes ?? {}), ...Object.keys(relationships)];
  if (new Set(fields).size < fields.length) complain(path, 'a name stands for two fields');
  for (const name of fields) {
    if (!MEMBER_NAME.test(name) || name === 'id' || name === 'type') complain(path, `a field named ${name}`);
  }
  for (const [name, relationship] of Object.entries(relationships)) {
    onlyMembers(relationship, ['links', 'data', 'meta'], `${path}/${name}`, complain);
    if (Object.keys(relationship).length === 0) complain(`${path}/${name}`, 'an empty relationship');
    for (const linkage of [relationship.data ?? []].flat() as Json[]) {
      onlyMembers(linkage, ['id', 'type', 'meta'], `${path}/${name}/data`, complain);
      if (typeof linkage.id !== 'string' || typeof linkage.type !== 'string')
        complain(path, `linkage ${name}`);
    }
  }
}

/** Each resource once, and each one linked to (§document-compound-documents), unless sparse fields hide it. */
function checkIncluded(primary: Json[], included: Json[], sparse: boolean, complain: Complain): void {
  const key = ({ type, id }: Json) => `${type} ${id}`;
  const all = [...primary, ...included];
  if (new Set(all.map(key)).size < all.length) complain('included', 'a resource stands there twice');
  const linkages = all.flatMap(({ relationships = {} }) =>
    Object.values(relationships as Record<string, Json>).flatMap(({ data }) => (data ?? []) as Json),
  );
  const linked = new Set(linkages.map((linkage) => key(linkage as Json)));
  for (const resource of included) {
    if (!sparse && !linked.has(key(resource)))
      complain('included', `${key(resource)} is linked to by nothing`);
  }
}

function checkLinks(links: unknown, path: string, complain: Complain): void {
  for (const [name, link] of Object.entries(links ?? {})) {
    const fits =
      link === null || typeof link === 'string' || (isObject(link) && typeof link.href === 'string');
    if (!fits) complain(path, `${name} is no link`);
  }
}

function checkErrors(errors: unknown, complain: Complain): void {
  if (!Array.isArray(errors) || errors.length === 0) return complain('errors', 'no error objects');
  errors.forEach((error: Json, index) => {
    const path = `errors/${index}`;
    onlyMembers(error, ERROR, path, complain);
    for (const name of ['status', 'code', 'title', 'detail']) {
      if (name in error && typeof error[name] !== 'string') complain(path, `${name} is no string`);
    }
    onlyMembers(error.source ?? {}, ['pointer', 'parameter', 'header'], `${path}/source`, complain);
    checkLinks(error.links, `${path}/links`, complain);
  });
}

function onlyMembers(object: unknown, known: readonly string[], path: string, complain: Complain): void {
  if (!isObject(object)) return complain(path, 'no object');
  for (const name of Object.keys(object)) if (!known.includes(name)) complain(path, `a member ${name}`);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
