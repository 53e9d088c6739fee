import fc, { type Arbitrary } from 'fast-check';

/** What members and parameters of these names are worth trying, beside what stands in the examples. */
const VALUES: Readonly<Record<string, readonly unknown[]>> = {
  email: ['§own.email§', '§victim.email§', 'nobody@example.com', 'PERSON@EXAMPLE.COM'],
  password: ['§own.password§', '§own.password§', 'a wrong password'],
  code: ['§own.totp§', '§own.recoveryCode§', '000000'],
  id: ['§own.sessionId§', '§own.userId§', '§victim.userId§', '§victim.sessionId§', '0', 1],
  token: ['§own.token§', '§own.jwt§', '01234567-89ab-cdef-0123-456789abcdef'],
  refreshtoken: ['§own.refreshToken§', '01234567-89ab-cdef-0123-456789abcdef'],
  organization: ['§own.organizationId§', '§victim.organizationId§', '', null, 'acme'],
  strategy: ['password', 'email_code', 'sms_code', 'phone_code', 'totp', 'recovery_code', 'backup_code'],
  level: ['first_factor', 'second_factor', 'multi_factor'],
  sort: ['id', '-id', 'created_at', 'last_activity_at,id', '-name', 'email', 'SessionId', 'StartedAt-'],
  include: ['user', 'session', 'user.sessions', ''],
  size: ['1', '200', '201', '0', '-1', '1e9'],
  date: ['2026-01-01T00:00:00Z', '9999-12-31T23:59:59.999999999Z', '0001-01-01T00:00:00Z', '2026-02-30'],
  duration: ['3600s', '0s', '-1s', '315576000000s', '0.000000001s'],
  boolean: [true, false, 'true', 1],
};
const KINDS: readonly (readonly [RegExp, string])[] = [
  [/refresh_?token/i, 'refreshtoken'],
  [/email|username|identifier|loginname/i, 'email'],
  [/password/i, 'password'],
  [/otp|code$/i, 'code'],
  [/token/i, 'token'],
  [/organization/i, 'organization'],
  [/strategy|codeorigin/i, 'strategy'],
  [/level/i, 'level'],
  [/sort/i, 'sort'],
  [/include/i, 'include'],
  [/size|limit|take|skip|number|offset|seconds|expires_in/i, 'size'],
  [/date|_at$/i, 'date'],
  [/lifetime/i, 'duration'],
  [/secured|refreshable|read_only|asc|countonly/i, 'boolean'],
  [/id$|after|before/i, 'id'],
];

const TEXTS = [
  ...[
    '',
    ' ',
    '0',
    '-1',
    '1e400',
    '9223372036854775807',
    '9223372036854775808',
    '1'.repeat(40),
    'null',
    'true',
  ],
  ...[
    'NaN',
    '[]',
    '{}',
    '__proto__',
    'constructor',
    'toString',
    'a,b',
    '\0',
    'a\0b',
    '\ud800',
    '\u202e',
    '%00',
  ],
  ...[
    '%',
    '../..',
    "'--",
    "' OR 1=1",
    '$1',
    '${7*7}',
    '<script>',
    '\r\nX: y',
    '\u0130',
    '\ufb01',
    '🦊'.repeat(300),
  ],
  ...['2026-02-30T25:61:61Z', '0000-00-00', '+275760-09-13T00:00:00Z', '-271821-04-20T00:00:00Z', 'é'],
  ...[
    'a'.repeat(5_000),
    '§own.token§',
    '§own.sessionId§',
    '§victim.sessionId§',
    '§victim.userId§',
    '§victim.email§',
  ],
];
/** Texts that have broken things before, and whatever else. */
export const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...TEXTS) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme' }) },
);
/** Any JSON. */
export const value: Arbitrary<unknown> = fc.oneof(
  text,
  fc.constantFrom<unknown>(null, true, false, [], {}, 0, -0, -1, 1.5, 1e308, 2 ** 31, 2 ** 53, 2 ** 64),
  fc.integer(),
  fc.double(),
  fc.array(text, { maxLength: 3 }),
  fc.dictionary(fc.oneof(text, fc.constantFrom(...Object.keys(VALUES))), text, { maxKeys: 3 }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Mostly the one, at times something else. */
export function often<T>(usual: T, weight: number, other: Arbitrary<T>): Arbitrary<T> {
  return fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });
}

/** A value that fits a member or parameter of this name, or, at times, one that does not. */
export function valueFor(name: string): Arbitrary<unknown> {
  const kind = KINDS.find(([pattern]) => pattern.test(name))?.[1];
  if (kind === undefined) return value;
  return fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...VALUES[kind]!) },
    { weight: 1, arbitrary: value },
  );
}

/** Whether a member of this name holds what somebody is recognised by. */
export function isProof(name: string): boolean {
  return proofOf(name) !== undefined;
}

/** The right one of those, as a mark. */
export function proofOf(name: string): unknown {
  const kind = KINDS.find(([pattern]) => pattern.test(name))?.[1] ?? '';
  return ['email', 'password', 'code', 'refreshtoken', 'token'].includes(kind) ? VALUES[kind]![0] : undefined;
}

/** Percent-encoded; marks stay as they are. */
export function encode(part: string): string {
  // Half a surrogate pair has no encoding; a mark keeps its own.
  return encodeURIComponent(Buffer.from(part).toString()).replaceAll(encodeURIComponent('§'), '§');
}
