import type { Operations } from './operation.js';

const JSON_TYPE = 'application/json';

const TEXT = { type: 'string' };

/** The status of the process, in one word; of the database beside it where it was asked. */
const status = (...words: string[]) => ({
  type: 'object',
  properties: { status: { enum: words }, database: { enum: ['up', 'down'] } },
  required: ['status'],
  additionalProperties: false,
});

/** The routes for whoever runs the service, and for whoever verifies its JWTs. */
export const SERVICE_OPERATIONS: Operations = {
  'GET /health/live': {
    tag: 'Operation',
    summary: 'Whether the process runs',
    who: 'anyone',
    answers: [
      {
        status: 200,
        description: 'It does.',
        mediaType: JSON_TYPE,
        schema: status('ok'),
        examples: { ok: { status: 'ok' } },
      },
    ],
  },
  'GET /health/ready': {
    tag: 'Operation',
    summary: 'Whether requests can be served',
    who: 'anyone',
    answers: [
      {
        status: 200,
        description: 'They can.',
        mediaType: JSON_TYPE,
        schema: status('ok'),
        examples: { ok: { status: 'ok', database: 'up' } },
      },
      {
        status: 503,
        description: 'The database does not answer, or the process is about to end.',
        mediaType: JSON_TYPE,
        schema: status('error', 'stopping'),
        examples: {
          'no database': { status: 'error', database: 'down' },
          stopping: { status: 'stopping' },
        },
      },
    ],
  },
  'GET /metrics': {
    tag: 'Operation',
    summary: 'Figures for Prometheus',
    description: 'Keep it away from the public: it tells how much is going on.',
    who: 'anyone',
    answers: [
      {
        status: 200,
        description: "Prometheus's text format.",
        mediaType: 'text/plain',
        schema: { type: 'string' },
        examples: {
          'one counter': [
            '# HELP http_requests_total Requests answered.',
            '# TYPE http_requests_total counter',
            'http_requests_total{method="POST",route="/api/v2/sessions",status="2xx"} 7\n',
          ].join('\n'),
        },
      },
    ],
  },
  'GET /.well-known/jwks.json': {
    tag: 'Operation',
    summary: 'The public keys of the JWTs',
    description: 'RFC 7517. They may be kept for a minute; a new key is here before it signs.',
    who: 'anyone',
    answers: [
      {
        status: 200,
        description: 'A JWK set.',
        mediaType: 'application/jwk-set+json',
        schema: {
          type: 'object',
          properties: {
            keys: {
              type: 'array',
              items: {
                oneOf: [
                  publicKey({ kty: { const: 'EC' }, crv: { const: 'P-256' }, x: TEXT, y: TEXT }, 'ES256'),
                  publicKey({ kty: { const: 'RSA' }, n: TEXT, e: TEXT }, 'RS256'),
                ],
              },
            },
          },
          required: ['keys'],
        },
        examples: {
          'one key': {
            keys: [
              {
                kty: 'EC',
                crv: 'P-256',
                x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
                y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
                kid: 'oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U',
                alg: 'ES256',
                use: 'sig',
              },
            ],
          },
        },
      },
    ],
  },
};

function publicKey(material: Readonly<Record<string, object>>, algorithm: string): object {
  const properties = { ...material, kid: TEXT, alg: { const: algorithm }, use: { const: 'sig' } };
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}
