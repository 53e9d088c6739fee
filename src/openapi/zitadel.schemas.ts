import { ref, type Schema } from './schemas.js';

/** Any text. */
export const TEXT = { type: 'string' };
const INSTANT = { type: 'string', format: 'date-time' };
/** A positive number of 64 bits, as text. */
export const ID = { type: 'string', pattern: '^[1-9][0-9]{0,18}$' };
const SEQUENCE = { type: 'string', pattern: '^[1-9][0-9]*$' };
const BYTES = { type: 'string', contentEncoding: 'base64' };
const METHOD = {
  enum: ['EQUALS', 'GREATER', 'GREATER_OR_EQUALS', 'LESS', 'LESS_OR_EQUALS'].map(
    (name) => `TIMESTAMP_QUERY_METHOD_${name}`,
  ),
  default: 'TIMESTAMP_QUERY_METHOD_EQUALS',
};
const COLUMN = {
  enum: ['SESSION_FIELD_NAME_UNSPECIFIED', 'SESSION_FIELD_NAME_CREATION_DATE'],
  default: 'SESSION_FIELD_NAME_UNSPECIFIED',
};

/** A message: with any of these members, and with unknown ones, which are ignored. */
export function message(
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): Schema {
  return { type: 'object', properties, ...(required.length > 0 ? { required } : {}) };
}

function map(values: Schema): Schema {
  return { type: 'object', additionalProperties: values };
}

const CODE_CHECK = message({ code: { ...TEXT, minLength: 1, maxLength: 200 } }, ['code']);
const VERIFIED = message({ verifiedAt: INSTANT });
/** What is asked of a session, new or not. */
export const COMPOSITION = {
  checks: ref('zitadel_checks'),
  metadata: { ...map(BYTES), maxProperties: 50 },
  challenges: ref('zitadel_challenges'),
  lifetime: {
    ...TEXT,
    pattern: '^[0-9]{1,8}(\\.[0-9]{1,9})?s$',
    description: 'From now on, at most 365 days.',
  },
};
/** What a change answers. */
export const CHANGED = {
  details: ref('zitadel_details'),
  sessionToken: { ...TEXT, description: 'Shown here and never again; the one before it is dead.' },
  challenges: message({ otpSms: TEXT, otpEmail: TEXT }),
};

/** What ZITADEL's answers and requests are made of. */
export const ZITADEL_SCHEMAS: Record<string, Schema> = {
  zitadel_session: message(
    {
      id: ID,
      creationDate: INSTANT,
      changeDate: INSTANT,
      sequence: SEQUENCE,
      factors: message({
        user: message(
          { verifiedAt: INSTANT, id: ID, loginName: TEXT, displayName: TEXT, organizationId: ID },
          ['id'],
        ),
        password: VERIFIED,
        totp: VERIFIED,
        otpSms: VERIFIED,
        otpEmail: VERIFIED,
        recoveryCode: VERIFIED,
      }),
      metadata: map(BYTES),
      userAgent: ref('zitadel_user_agent'),
      expirationDate: INSTANT,
    },
    ['id', 'creationDate', 'changeDate', 'sequence'],
  ),
  zitadel_user_agent: message({
    fingerprintId: { ...TEXT, maxLength: 200 },
    ip: { ...TEXT, maxLength: 100 },
    description: { ...TEXT, maxLength: 1_000 },
    header: map(message({ values: { type: 'array', items: TEXT } })),
  }),
  zitadel_checks: message({
    user: { oneOf: [message({ userId: TEXT }, ['userId']), message({ loginName: TEXT }, ['loginName'])] },
    password: message({ password: { ...TEXT, minLength: 1, maxLength: 200 } }, ['password']),
    totp: CODE_CHECK,
    otpSms: CODE_CHECK,
    otpEmail: CODE_CHECK,
    recoveryCode: CODE_CHECK,
  }),
  zitadel_challenges: message({
    otpSms: message({ returnCode: { type: 'boolean', default: false } }),
    otpEmail: message({
      sendCode: message({ urlTemplate: { ...TEXT, maxLength: 200 } }),
      returnCode: message({}),
    }),
  }),
  zitadel_details: message({
    sequence: SEQUENCE,
    changeDate: INSTANT,
    resourceOwner: ID,
    creationDate: INSTANT,
  }),
  zitadel_status: message(
    {
      code: { type: 'integer', description: "gRPC's code." },
      message: TEXT,
      details: {
        type: 'array',
        items: message({ '@type': TEXT, id: TEXT, message: TEXT }, ['@type', 'id', 'message']),
      },
    },
    ['code', 'message'],
  ),
};

const DATE_QUERY = (name: string) => message({ [name]: INSTANT, method: METHOD }, [name]);
/** ListSessionsRequest. */
export const SEARCH = message({
  query: message({
    offset: { type: ['string', 'integer'], description: 'At most 1,000,000.' },
    limit: { type: 'integer', minimum: 0, maximum: 1_000, default: 1_000 },
    asc: { type: 'boolean', default: false },
  }),
  sortingColumn: COLUMN,
  queries: {
    type: 'array',
    maxItems: 20,
    items: {
      oneOf: [
        message({ idsQuery: message({ ids: { type: 'array', maxItems: 1_000, items: TEXT } }) }, [
          'idsQuery',
        ]),
        message({ userIdQuery: message({ id: TEXT }) }, ['userIdQuery']),
        message({ creationDateQuery: DATE_QUERY('creationDate') }, ['creationDateQuery']),
        message({ expirationDateQuery: DATE_QUERY('expirationDate') }, ['expirationDateQuery']),
        message({ creatorQuery: message({ id: TEXT }) }, ['creatorQuery']),
        message({ userAgentQuery: message({ fingerprintId: TEXT }) }, ['userAgentQuery']),
      ],
    },
  },
});
/** ListSessionsResponse. */
export const FOUND = message(
  {
    details: message({ totalResult: SEQUENCE, timestamp: INSTANT }, ['timestamp']),
    sessions: { type: 'array', items: ref('zitadel_session') },
  },
  ['details'],
);
