import fc, { type Arbitrary } from 'fast-check';
import { createHash } from 'node:crypto';
import { bodyOf } from './fuzz-bodies.js';
import { encode, often, text, valueFor } from './fuzz-values.js';

/** A route, and what is known of the requests that it takes. */
export interface FuzzRoute {
  /** As declared, e.g. `PATCH /api/v2/sessions/:id`. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  /** Bodies that it takes. */
  readonly bodies: readonly unknown[];
  readonly mediaType: string;
  /** The query parameters that it knows. */
  readonly parameters: readonly string[];
  /** Ids for the path, as marks. */
  readonly ids: readonly string[];
}

/** A request that was made up. Its texts hold marks, `§own.email§`, which stand for what whoever sends it has. */
export interface FuzzRequest {
  readonly method: string;
  /** With its query; percent-encoded but for its marks. */
  readonly path: string;
  /** How the sender's credential is presented. */
  readonly credential: CredentialStyle;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  /** Whether method and path are still those of the route. */
  readonly routed: boolean;
}

const CREDENTIAL_STYLES = ['usual', 'none', 'twice', 'conflicting', 'garbled', 'basic', 'other'] as const;
export type CredentialStyle = (typeof CREDENTIAL_STYLES)[number];

/**
 * So many requests of a route: some right, most wrong in a few places. The first of them are the same however many
 * there are.
 */
export function requestsOf(route: FuzzRoute, count: number, seed: number): FuzzRequest[] {
  const own = createHash('sha256').update(route.name).digest().readInt32BE(0);
  const arbitrary = requestOf(route);
  const batches = Array.from({ length: Math.ceil(count / BATCH) }, (_, batch) =>
    fc.sample(arbitrary, { seed: (own ^ seed) + batch, numRuns: Math.min(BATCH, count - batch * BATCH) }),
  );
  return batches.flat();
}

const BATCH = 250;

function requestOf(route: FuzzRoute): Arbitrary<FuzzRequest> {
  const { method: own, path, ids, mediaType, parameters, bodies } = route;
  return fc
    .record({
      method: often(
        own,
        20,
        fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'),
      ),
      id: fc.oneof(
        { weight: 5, arbitrary: fc.constant('') },
        { weight: 4, arbitrary: fc.constantFrom('', ...ids) },
        { weight: 1, arbitrary: text },
      ),
      spelling: often(
        '',
        25,
        fc.constantFrom('/', '//', '/.', '%2f', '%', '%00', ';a=b', '.json', 'UPPER', '?', '#'),
      ),
      query: queryOf(parameters),
      credential: often<CredentialStyle>('usual', 9, fc.constantFrom(...CREDENTIAL_STYLES)),
      headers: headersOf(mediaType),
      body: bodyOf(bodies, mediaType),
    })
    .map(({ method, id, spelling, query, credential, headers, body }) => {
      const known = id === '' ? (ids[0] ?? 'x') : id;
      const plain = path.replace(/:\w+/, ids.includes(known) ? known : encode(known)).replace(/:\w+/g, 'app');
      const spelt =
        spelling === 'UPPER' ? plain.replace(/[a-z]+$/, (end) => end.toUpperCase()) : plain + spelling;
      return {
        method,
        path: spelt + query,
        credential,
        headers,
        body: method === 'TRACE' ? undefined : body, // Node's client sends none with it
        routed: method === own && spelling === '' && !/_method/.test(query),
      };
    });
}

/** A refusal names the parameter that it does not know, so that no secret is one. */
const parameterName = text.map((name) => name.replaceAll('§', ''));

function queryOf(parameters: readonly string[]): Arbitrary<string> {
  const named = fc
    .constantFrom(...parameters, '_method', '_is_native', '_clerk_session_id', 'sessionToken')
    .chain((name) => fc.tuple(fc.constant(name), valueFor(name)));
  const filter = fc
    .tuple(
      fc.constantFrom('', '[0]', '[$op]', '[0][1]', '[-1]', '[x]', '[]'),
      fc.constantFrom(
        'name',
        'id',
        'user_id',
        'email',
        'created_at',
        'last_activity_at',
        'two_factor_auth',
        'colour',
      ),
      fc.constantFrom('', '[eq]', '[gt]', '[contains]', '[not_eq]', '[between]', '[', '[][]'),
      fc.oneof(valueFor('created_at'), valueFor('id'), text),
    )
    .map(([group, field, operator, wanted]): [string, unknown] => [
      `filter${group}[${field}]${operator}`,
      wanted,
    ]);
  const pair = fc.oneof(
    { weight: 4, arbitrary: named },
    { weight: parameters.includes('filter') ? 4 : 1, arbitrary: filter },
    { weight: 1, arbitrary: fc.tuple(parameterName, text) },
  );
  const pairs = fc
    .array(fc.tuple(pair, often(true, 12, fc.constant(false))), { minLength: 1, maxLength: 4 })
    .map((sent) => sent.map(([[name, wanted], whole]) => written(name, wanted, whole)).join('&'))
    .map((query) => `?${query.slice(0, 6_000).replace(/%.?$/, '')}`);
  return often('', 3, pairs);
}

function written(name: string, wanted: unknown, whole: boolean): string {
  const spelt = `${encode(name)}=${encode(typeof wanted === 'string' ? wanted : JSON.stringify(wanted))}`;
  return whole ? spelt : spelt.replaceAll('%5B', '[').replace(/%3D|=/, '%');
}

const headerText = fc.oneof(text, fc.string({ unit: 'binary' })).map((made) =>
  // What Node's own client would not send is tried elsewhere, by the byte.
  made.replace(/[^\t\x20-\x7e\x80-\xff§]/g, '').slice(0, 2_000),
);

function headersOf(mediaType: string): Arbitrary<Record<string, string>> {
  const types = [
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
    `${mediaType};a=b`,
    'x',
    '',
  ];
  const more = fc.constantFrom(
    ...[
      'X-Forwarded-For',
      'X-Forwarded-Proto',
      'X-Request-Id',
      'Origin',
      'Cookie',
      'User-Agent',
      'If-None-Match',
    ],
    ...[
      'Range',
      'X-HTTP-Method-Override',
      'Forwarded',
      'Accept-Encoding',
      'Content-Encoding',
      'Referer',
      'X-Auth-Token',
    ],
    ...[
      'Authorization',
      'userId',
      'sessionToken',
      'Accept-Language',
      'Access-Control-Request-Method',
      'Sec-Fetch-Site',
    ],
  );
  return fc
    .record({
      type: often(mediaType, 15, fc.constantFrom(...types)),
      accept: often(
        '*/*',
        8,
        fc.oneof(fc.constantFrom(...types, 'application/vnd.api+json', 'text/html', ','), headerText),
      ),
      more: fc.oneof(
        { weight: 3, arbitrary: fc.constant({}) },
        { weight: 1, arbitrary: fc.dictionary(more, headerText, { maxKeys: 2 }) },
      ),
    })
    .map(({ type, accept, more }) => ({ 'Content-Type': type, Accept: accept, ...more }));
}
