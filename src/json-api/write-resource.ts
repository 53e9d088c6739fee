import type { AnyResource, Attribute } from './resource.js';
import type { Selection } from './selection.js';

/** A resource object, ready for JSON.stringify. */
export interface ResourceObject {
  id: string;
  type: string;
  attributes: Record<string, unknown>;
  relationships?: Record<string, object>;
  meta?: object;
}

/** Writes rows of one resource as one query wants them, and gathers what they include. */
export class ResourceWriter {
  private readonly attributes: readonly (readonly [string, Attribute<object>])[];
  private readonly relationships: readonly string[];
  private readonly writers = new Map<AnyResource, ResourceWriter>();
  private readonly includedByKey = new Map<string, ResourceObject>();

  constructor(
    private readonly resource: AnyResource,
    private readonly selection: Selection,
  ) {
    const fields = selection.fields.get(resource.type);
    this.attributes = fields
      ? Object.entries(resource.attributes).filter(([name]) => fields.has(name))
      : defaultAttributes(resource);
    this.relationships = Object.keys(resource.relationships).filter((name) => !fields || fields.has(name));
  }

  /** The resource object of a row; what `include` asked for of it is kept for `included`. */
  write(row: object): ResourceObject {
    const attributes: Record<string, unknown> = {};
    for (const [name, attribute] of this.attributes) attributes[name] = toJson(attribute.read(row));
    const written: ResourceObject = { id: this.resource.id(row), type: this.resource.type, attributes };
    if (this.relationships.length > 0) written.relationships = this.writeRelationships(row);
    // Full linkage: a relationship that was asked for is included even where sparse fields hide it.
    for (const name of this.selection.include ?? []) this.includeRelated(name, row);
    return written;
  }

  /** The included resources so far, each once; undefined when `include` was not given. */
  get included(): ResourceObject[] | undefined {
    return this.selection.include === null ? undefined : [...this.includedByKey.values()];
  }

  private writeRelationships(row: object): Record<string, object> {
    const relationships: Record<string, object> = {};
    for (const name of this.relationships) {
      relationships[name] = this.selection.include?.has(name) ? this.linkage(name, row) : NOT_INCLUDED;
    }
    return relationships;
  }

  private linkage(name: string, row: object): object {
    const relationship = this.resource.relationships[name]!;
    const related = relationship.read(row);
    const { type, id } = relationship.resource;
    return { data: related === undefined ? null : { type, id: id(related) } };
  }

  private includeRelated(name: string, row: object): void {
    const { resource, read } = this.resource.relationships[name]!;
    const related = read(row);
    if (related === undefined) return;
    const key = `${resource.type} ${resource.id(related)}`;
    if (this.includedByKey.has(key)) return;
    const writer =
      this.writers.get(resource) ?? new ResourceWriter(resource, { ...this.selection, include: null });
    this.writers.set(resource, writer);
    this.includedByKey.set(key, writer.write(related));
  }
}

const NOT_INCLUDED = { meta: { included: false } };

const defaults = new WeakMap<AnyResource, readonly (readonly [string, Attribute<object>])[]>();

function defaultAttributes(resource: AnyResource): readonly (readonly [string, Attribute<object>])[] {
  let attributes = defaults.get(resource);
  if (attributes === undefined) {
    attributes = Object.entries(resource.attributes).filter(([, attribute]) => !attribute.byName);
    defaults.set(resource, attributes);
  }
  return attributes;
}

/** Date-times as the document writes them, in UTC: `2024-04-18T04:02:03.470+00:00`. */
function toJson(value: unknown): unknown {
  if (value instanceof Date) return `${value.toISOString().slice(0, -1)}+00:00`;
  return value === undefined ? null : value;
}
