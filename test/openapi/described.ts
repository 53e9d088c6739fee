import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

/** What an OpenAPI document says about an answer: as much of it as the tests look at. */
export interface Described {
  readonly paths: Record<string, Record<string, DescribedOperation>>;
  readonly components: { readonly schemas: Record<string, object> };
}
interface DescribedOperation {
  readonly security: readonly object[];
  readonly parameters?: readonly { readonly name: string }[];
  readonly requestBody?: { readonly content: Record<string, DescribedContent> };
  readonly responses: Record<string, { readonly content?: Record<string, DescribedContent> }>;
}
interface DescribedContent {
  readonly schema: object;
  readonly examples?: Record<string, { readonly value: unknown }>;
}

/** Every operation of a document, as `METHOD /path/{id}`. */
export function operationsOf(document: Described): [string, DescribedOperation][] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, DescribedOperation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
}

/** Holds values against the schemas of a document, by JSON Schema 2020-12. */
export class SchemaCheck {
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true });
  private readonly compiled = new WeakMap<object, ValidateFunction>();

  constructor(document: Described) {
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- CommonJS seen through two module systems
    ((addFormats as any).default ?? addFormats)(this.ajv);
    this.ajv.addSchema({ $id: 'latchkey', components: document.components });
  }

  /** What is wrong with the value; empty when it fits. */
  problems(schema: object, value: unknown): ErrorObject[] {
    const validate = this.compiled.get(schema) ?? this.compile(schema);
    validate(value);
    return validate.errors ?? [];
  }

  private compile(schema: object): ValidateFunction {
    const resolved = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"latchkey#/')) as object;
    const validate = this.ajv.compile(resolved);
    this.compiled.set(schema, validate);
    return validate;
  }
}
