import type { Access } from '../http/access.js';
import type { AnyResource } from '../json-api/resource.js';
import type { Problem, Refusal } from '../refusal.js';
import type { Schema, Shape } from './schemas.js';

/** One answer that is no refusal. */
export interface Answer {
  readonly status: number;
  readonly description: string;
  /** Absent when there is no body. */
  readonly schema?: Schema;
  /** By default JSON:API's. */
  readonly mediaType?: string;
  readonly examples?: Readonly<Record<string, unknown>>;
  /** What the header `Location` is of, when it is sent. */
  readonly location?: string;
}

/** The body that a route takes. */
interface RequestBody {
  readonly shape: Shape;
  readonly examples: Readonly<Record<string, object>>;
  /** Whether the document has to name the resource by its id. */
  readonly named?: boolean;
}

/** What the routes of one of the other APIs have in common. */
export interface DescribedFace {
  /** Under which of the security schemes of `document.ts` they are called; any one of them. */
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  /** The media type of its refusals. */
  readonly mediaType: string;
  /** The schema of a refusal's body. */
  readonly errors: Schema;
  /** A refusal as it is really sent. */
  answer(refusal: Refusal): { readonly status: number; readonly body: object };
}

/** The body that a route of another API takes. */
interface FaceBody {
  readonly mediaType: string;
  readonly schema: Schema;
  readonly examples: Readonly<Record<string, unknown>>;
  /** Whether it may be left out. */
  readonly optional?: boolean;
}

/** A query parameter of one route alone. */
interface OwnParameter {
  readonly name: string;
  readonly description: string;
  readonly schema: Schema;
}

/** What is said about one route. The answers that many routes share are added by `refusals.ts`. */
export interface Operation {
  readonly tag:
    | 'Sessions'
    | 'Step-up'
    | 'Machine tokens'
    | 'Users'
    | 'Organizations'
    | 'One-time passwords'
    | 'Events'
    | 'Operation'
    | 'QA'
    | 'Lendix'
    | 'Clerk'
    | 'PORTOS'
    | 'ZITADEL';
  readonly summary: string;
  readonly description?: string;
  /** The same as the route's own declaration; a test holds them against each other. */
  readonly who: Access['who'];
  /** For the routes of the native API. */
  readonly native?: {
    readonly resource: AnyResource;
    /** The families of query parameters: of one resource, of a list, or its filters alone. */
    readonly query: 'one' | 'list' | 'filter';
  };
  /** For the routes of another API. */
  readonly face?: DescribedFace;
  /** For the routes of another API: the body they take. */
  readonly sent?: FaceBody;
  readonly readOnlyToo?: boolean;
  readonly parameters?: readonly OwnParameter[];
  readonly body?: RequestBody;
  readonly answers: readonly Answer[];
  /** The refusals of this route beside those that its declaration implies. */
  readonly refusals?: readonly Problem[];
}

/** Operations by `METHOD /path/{id}`. */
export type Operations = Readonly<Record<string, Operation>>;
