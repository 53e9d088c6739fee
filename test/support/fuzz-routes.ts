import type { Described } from '../openapi/described.js';
import type { FuzzRoute } from './fuzz-requests.js';
import { document } from './latchkey.js';

/** Bodies with more in them than the documentation's examples have. */
const RICHER: Readonly<Record<string, readonly unknown[]>> = {
  'PATCH /api/v2/users/:id': [
    document(
      'users',
      { phone_number: '+43660123456', locale: 'de', current_password: 'x' },
      { id: '§own.userId§' },
    ),
    document('users', {
      metadata: { a: 1 },
      avatar_url: 'https://example.com/a',
      time_zone: 'Europe/Vienna',
    }),
  ],
  'POST /api/v2/sessions/machine': [
    document('sessions', { name: 'robot', note: 'x', token_expires_at: '2030-01-01T00:00:00Z' }),
  ],
  'POST /zitadel/v2/sessions': [
    {
      checks: { user: { userId: '§own.userId§' }, password: { password: 'x' }, totp: { code: '1' } },
      challenges: {
        otpSms: { returnCode: true },
        otpEmail: { sendCode: { urlTemplate: 'https://example.com' } },
      },
      userAgent: {
        fingerprintId: 'f',
        ip: '::1',
        description: 'd',
        header: { 'user-agent': { values: ['x'] } },
      },
      metadata: { plan: 'Z29sZA==' },
      lifetime: '3600s',
    },
  ],
  'PATCH /zitadel/v2/sessions/:id': [
    { metadata: { plan: 'Z29sZA==' }, lifetime: '60s' },
    {
      checks: { password: { password: 'x' }, otpEmail: { code: '1' } },
      challenges: { otpEmail: { returnCode: {} } },
    },
  ],
  'POST /zitadel/v2/sessions/search': [
    {
      query: { offset: 0, limit: 10, asc: true },
      queries: [
        { idsQuery: { ids: ['§own.sessionId§', '§victim.sessionId§'] } },
        { creatorQuery: { id: '§own.userId§' } },
        { userAgentQuery: { fingerprintId: 'f' } },
        {
          creationDateQuery: {
            creationDate: '2026-01-01T00:00:00Z',
            method: 'TIMESTAMP_QUERY_METHOD_GREATER',
          },
        },
        { expirationDateQuery: { expirationDate: '2026-01-01T00:00:00Z', method: 1 } },
      ],
      sortingColumn: 'SESSION_FIELD_NAME_CREATION_DATE',
    },
  ],
  'POST /portos/api/auth': [
    { userName: 'x@example.com', password: 'x', otp: '1', deviceName: 'P01', envName: 'e' },
  ],
};

/** Ids for a path by where they stand in it; the first one is the usual one. */
const IDS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^\/lendix/, ['lendixSessionId']],
  [/^\/portos/, ['portosSessionId']],
  [/^\/clerk\/.*sign_ins/, ['clerkSignInId', 'clerkSessionId']],
  [/^\/clerk/, ['clerkSessionId', 'clerkOtherSessionId', 'clerkSignInId']],
  [/users\/:/, ['userId']],
  [/otp_enrollments\/:/, ['enrollmentId']],
  [/verifications\/:/, ['verificationId']],
  [/organizations\/:/, ['organizationId']],
  [/events\/:/, ['eventId']],
  [/sessions\/:/, ['sessionId', 'otherSessionId', 'userId']],
];

/** A route with what is known of its requests, from `/openapi.json` and from here. */
export function describedRoute(
  { method, path }: { method: string; path: string },
  described: Described,
): FuzzRoute {
  const name = `${method} ${path}`;
  const operation = described.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
  const [content] = Object.entries(operation?.requestBody?.content ?? {});
  const examples = Object.values(content?.[1].examples ?? {}).map(({ value }) => value);
  const ids = IDS.find(([pattern]) => path.includes(':') && pattern.test(path))?.[1] ?? [];
  const own = ids.flatMap((id) => [`§own.${id}§`, `§own.${id}§`, `§own.${id}§`, `§victim.${id}§`]);
  return {
    name,
    method,
    path,
    mediaType: content?.[0] ?? 'application/json',
    bodies: [...examples, ...(RICHER[name] ?? [])].map((body) => named(body, own[0])),
    parameters: (operation?.parameters ?? []).map(({ name }) => name),
    ids: path.includes(':file') ? ['start.js', 'swagger-ui.css'] : own,
  };
}

/** A document that names its resource names the one in the path. */
function named(body: unknown, id: string | undefined): unknown {
  const { data } = body as { data?: { id?: string } };
  return data?.id === undefined || id === undefined ? body : { data: { ...data, id } };
}
