import type { AnyResource, Attribute } from './resource.js';
import type { Selection } from './selection.js';
import { writeValue } from './write-value.js';

/**
 * Writes rows of one resource as JSON text, as one query wants them, and gathers what they include. Text is put
 * together directly, from fragments made beforehand, since objects made only for JSON.stringify cost a fifth of
 * a page's time.
 */
export class ResourceWriter {
  private readonly attributes: readonly NamedAttribute[];
  private readonly relationships: readonly string[];
  private readonly writers = new Map<AnyResource, ResourceWriter>();
  private readonly includedByKey = new Map<string, string>();

  constructor(
    private readonly resource: AnyResource,
    private readonly selection: Selection,
  ) {
    const fields = selection.fields.get(resource.type);
    this.attributes = fields
      ? namedAttributes(resource, (name) => fields.has(name))
      : defaultAttributes(resource);
    this.relationships = Object.keys(resource.relationships).filter((name) => !fields || fields.has(name));
  }

  /**
   * The resource object of a row; what `include` asked for of it is kept for `included`.
   * @param cursor the row's own, for the cursor pagination profile
   */
  write(row: object, cursor?: string): string {
    let text = `{"id":${writeValue(this.resource.id(row))},"type":"${this.resource.type}","attributes":{`;
    let separator = '';
    for (const { prefix, attribute } of this.attributes) {
      text += separator + prefix + writeValue(attribute.read(row));
      separator = ',';
    }
    text += '}';
    if (this.relationships.length > 0) text += `,"relationships":{${this.writeRelationships(row)}}`;
    if (cursor !== undefined) text += `,"meta":{"page":{"cursor":"${cursor}"}}`;
    // Sparse fields may hide the linkage, but not what was asked to be included (§document-compound-documents).
    for (const name of this.selection.include ?? []) this.includeRelated(name, row);
    return text + '}';
  }

  /** The member `included` with what was gathered so far, each resource once; empty when it was not asked for. */
  get included(): string {
    return this.selection.include === null
      ? ''
      : `"included":[${[...this.includedByKey.values()].join(',')}],`;
  }

  private writeRelationships(row: object): string {
    return this.relationships
      .map(
        (name) => `"${name}":${this.selection.include?.has(name) ? this.linkage(name, row) : NOT_INCLUDED}`,
      )
      .join(',');
  }

  private linkage(name: string, row: object): string {
    const relationship = this.resource.relationships[name]!;
    const related = relationship.read(row);
    if (related === undefined) return '{"data":null}';
    const { resource } = relationship;
    return `{"data":{"type":"${resource.type}","id":${writeValue(resource.id(related))}}}`;
  }

  private includeRelated(name: string, row: object): void {
    const relationship = this.resource.relationships[name]!;
    const related = relationship.read(row);
    if (related === undefined) return;
    const { resource } = relationship;
    const key = `${resource.type} ${resource.id(related)}`;
    if (this.includedByKey.has(key)) return;
    const writer =
      this.writers.get(resource) ?? new ResourceWriter(resource, { ...this.selection, include: null });
    this.writers.set(resource, writer);
    this.includedByKey.set(key, writer.write(related));
  }
}

const NOT_INCLUDED = '{"meta":{"included":false}}';

interface NamedAttribute {
  /** Its name, quoted, and the colon. */
  readonly prefix: string;
  readonly attribute: Attribute<object>;
}

function namedAttributes(resource: AnyResource, wanted: (name: string) => boolean): NamedAttribute[] {
  return Object.entries<Attribute<object>>(resource.attributes)
    .filter(([name]) => wanted(name))
    .map(([name, attribute]) => ({ prefix: `${JSON.stringify(name)}:`, attribute }));
}

const defaults = new WeakMap<AnyResource, readonly NamedAttribute[]>();

function defaultAttributes(resource: AnyResource): readonly NamedAttribute[] {
  let attributes = defaults.get(resource);
  if (attributes === undefined) {
    attributes = namedAttributes(resource, (name) => !resource.attributes[name]!.byName);
    defaults.set(resource, attributes);
  }
  return attributes;
}
