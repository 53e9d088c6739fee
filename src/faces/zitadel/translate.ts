import { isId } from '../../json-api/path-id.js';
import { writeValue } from '../../json-api/write-value.js';
import type { CodeKind } from '../../otp/otp.service.js';
import type { Sending } from '../../otp/codes.service.js';
import { Refusal } from '../../refusal.js';
import type { ComposedSession } from '../../sessions/composed-sessions.store.js';
import type { Composing } from '../../sessions/composing.service.js';
import { METADATA_BOUNDS, type Composition, type Opening } from '../../sessions/composition.js';
import { LIFETIME_SECONDS } from '../../sessions/session.attributes.js';
import { Outline, type Outlined } from '../../sessions/session.columns.js';
import type { Agent } from '../../sessions/session.entity.js';
import { fullName } from '../../users/full-name.js';
import {
  invalid,
  unlessZero,
  writeBytes,
  writeInstant,
  writeMap,
  writeMember,
  writeMessage,
  writeText,
  writeTimestamp,
  type Message,
} from './protojson.js';

const LONGEST = {
  id: 200,
  secret: 200,
  name: 320,
  url: 200,
  fingerprint: 200,
  ip: 100,
  line: 1_000,
} as const;
const MOST_HEADERS = 50;

/** The checks that prove by a code, in the order of the document. */
const CODE_CHECKS: readonly (readonly [check: string, kind: CodeKind])[] = [
  ['totp', 'totp'],
  ['otpSms', 'sms_code'],
  ['otpEmail', 'email_code'],
  ['recoveryCode', 'recovery_code'],
];

/**
 * What CreateSessionRequest and SetSessionRequest ask for.
 * @throws Refusal invalid_document; strategy_unavailable at `webAuthN`, `idpIntent`; invalid at `lifetime`
 */
export function readComposition(request: Message): Composition {
  const checks = request.message('checks');
  return {
    ...(checks && readProofs(checks)),
    codes: checks === undefined ? [] : readCodes(checks),
    challenges: readChallenges(request.message('challenges')),
    metadata: Object.fromEntries(request.textsByKey('metadata', METADATA_BOUNDS)),
    lifetimeSeconds: readLifetime(request),
  };
}

/** What CreateSessionRequest says beside that. @throws Refusal as `readComposition` */
export function readOpening(request: Message): Opening {
  const composition = readComposition(request);
  const userAgent = request.message('userAgent');
  return {
    ...composition,
    fingerprint: userAgent?.text('fingerprintId', LONGEST.fingerprint) || null,
    agent: userAgent === undefined ? null : readAgent(userAgent),
  };
}

/** What a search shows of a session, and of its user. */
export const OUTLINE = new Outline(
  [
    ...(['createdAt', 'changedAt', 'version', 'expiresAt', 'metadata', 'organizationId'] as const),
    ...(['userVerifiedAt', 'passwordVerifiedAt', 'totpVerifiedAt', 'smsCodeVerifiedAt'] as const),
    ...(['emailCodeVerifiedAt', 'recoveryCodeVerifiedAt'] as const),
    ...(['fingerprint', 'agent', 'lastIp', 'userAgent', 'browser', 'platform'] as const),
  ],
  ['email', 'firstName', 'lastName'],
);
type Listed = Outlined<typeof OUTLINE>;

/** A session as JSON. */
export function writeSession(session: Listed): string {
  const [created, changed] = [writeTimestamp(session.createdAt), writeTimestamp(session.changedAt)];
  const always = `"id":"${session.id}","creationDate":"${created}","changeDate":"${changed}","sequence":"${session.version}"`;
  const factors = writeMember('factors', writeFactors(session));
  const metadata = writeMember('metadata', writeMap(session.metadata, writeBytes));
  const agent = writeMember('userAgent', writeAgent(session));
  return `{${always}${factors}${metadata}${agent}${writeMember('expirationDate', writeInstant(session.expiresAt))}}`;
}

/** The answer to a search, as JSON. @param now when it was looked at */
export function writeList(sessions: readonly Listed[], total: number | null, now: Date): string {
  const details =
    writeMember('totalResult', total ? `"${total}"` : '') + writeMember('timestamp', writeInstant(now));
  const list = sessions.length === 0 ? '' : `[${sessions.map(writeSession).join()}]`;
  return writeMessage(writeMember('details', writeMessage(details)) + writeMember('sessions', list));
}

/** The answer to a creation. */
export function fromCreated(composing: Composing): object {
  const { id } = composing.session;
  const { details, ...rest } = fromSet(composing) as { details: object };
  return { details, sessionId: id, ...rest };
}

/** The answer to a change; without a token when nothing changed. */
export function fromSet({ session, codes }: Composing): object {
  return {
    details: fromDetails(session),
    sessionToken: session.token,
    challenges: unlessZero({ otpSms: unlessZero(codes.sms), otpEmail: unlessZero(codes.email) }),
  };
}

/** The answer to an end; it says nothing more when there was nothing to end. */
export function fromEnded(session: ComposedSession | null): object {
  return { details: session === null ? {} : fromDetails(session) };
}

function readProofs(checks: Message): Pick<Composition, 'user' | 'password'> {
  for (const check of ['webAuthN', 'idpIntent']) {
    if (checks.message(check)) throw new Refusal('strategy_unavailable', { attribute: check });
  }
  const user = checks.message('user');
  const password = checks.message('password');
  return {
    ...(user && { user: readUser(user) }),
    ...(password && { password: required(password, 'password', LONGEST.secret) }),
  };
}

function readUser(user: Message): NonNullable<Composition['user']> {
  if (user.oneOf(['userId', 'loginName']) === 'loginName') {
    return { email: required(user, 'loginName', LONGEST.name) };
  }
  return { id: idOf(required(user, 'userId', LONGEST.id)) };
}

function readCodes(checks: Message): Composition['codes'] {
  return CODE_CHECKS.flatMap(([check, kind]) => {
    const message = checks.message(check);
    return message === undefined ? [] : [{ kind, code: required(message, 'code', LONGEST.secret) }];
  });
}

function readChallenges(challenges: Message | undefined): Sending[] {
  if (challenges?.message('webAuthN')) throw new Refusal('strategy_unavailable', { attribute: 'webAuthN' });
  const sms = challenges?.message('otpSms');
  const email = challenges?.message('otpEmail');
  email?.message('sendCode')?.text('urlTemplate', LONGEST.url);
  const returned = email?.oneOf(['sendCode', 'returnCode']) === 'returnCode';
  return [
    ...(sms ? [{ channel: 'sms' as const, deliver: sms.bool('returnCode') !== true }] : []),
    ...(email ? [{ channel: 'email' as const, deliver: !returned }] : []),
  ];
}

function readLifetime(request: Message): number | null {
  const seconds = Math.ceil(request.duration('lifetime') ?? 0);
  if (seconds < 0) throw new Refusal('invalid', { attribute: 'lifetime' });
  if (seconds > LIFETIME_SECONDS.most) throw invalid('lifetime');
  return seconds === 0 ? null : seconds;
}

function readAgent(userAgent: Message): Agent | null {
  const ip = userAgent.text('ip', LONGEST.ip);
  const description = userAgent.text('description', LONGEST.line);
  const fields = userAgent.messagesByKey('header');
  if (fields.length > MOST_HEADERS) throw invalid(userAgent.at('header'));
  const headers = fields.map(
    ([name, field]) => [headerName(name), field.texts('values', LONGEST.line)] as const,
  );
  const agent = {
    ip: unlessZero(ip),
    description: unlessZero(description),
    headers: unlessZero(Object.fromEntries(headers)),
  };
  return unlessZero(agent) ?? null;
}

function headerName(name: string): string {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/.test(name)) throw invalid('userAgent.header');
  return name.toLowerCase();
}

function required(message: Message, name: string, longest: number): string {
  const text = message.text(name, longest);
  if (text === undefined || text === '') throw invalid(message.at(name));
  return text;
}

/** No user has the id 0: an id of a wrong alphabet is an unknown one. */
function idOf(text: string): string {
  return isId(text) ? text : '0';
}

function writeFactors(session: Listed): string {
  const proofs =
    writeMember('password', writeProof(session.passwordVerifiedAt)) +
    writeMember('totp', writeProof(session.totpVerifiedAt)) +
    writeMember('otpSms', writeProof(session.smsCodeVerifiedAt)) +
    writeMember('otpEmail', writeProof(session.emailCodeVerifiedAt)) +
    writeMember('recoveryCode', writeProof(session.recoveryCodeVerifiedAt));
  return session.userId === null ? writeMessage(proofs) : `{"user":${writeUser(session)}${proofs}}`;
}

function writeUser({ userId, userVerifiedAt, user, organizationId }: Listed): string {
  const verified = userVerifiedAt === null ? '' : `"verifiedAt":${writeInstant(userVerifiedAt)},`;
  const name = writeMember('loginName', writeText(user?.email));
  const shown = writeMember('displayName', writeText(user && (fullName(user) ?? user.email)));
  return `{${verified}"id":"${userId}"${name}${shown}${writeMember('organizationId', writeText(organizationId))}}`;
}

function writeProof(at: Date | null): string {
  return at === null ? '' : `{"verifiedAt":${writeInstant(at)}}`;
}

/** What was said of the agent when the session was opened, else what was seen of it. */
function writeAgent({ fingerprint, agent, lastIp, userAgent, browser, platform }: Listed): string {
  if (agent === null) {
    const description = browser && platform ? `${browser}, ${platform}` : browser || platform;
    const header = userAgent === null ? '' : `{"user-agent":${writeHeader([userAgent])}}`;
    return writeSaid(fingerprint, lastIp, description, header);
  }
  return writeSaid(fingerprint, agent.ip, agent.description, writeMap(agent.headers ?? {}, writeHeader));
}

type Text = string | null | undefined;

function writeSaid(fingerprint: Text, ip: Text, description: Text, header: string): string {
  return writeMessage(
    writeMember('fingerprintId', writeText(fingerprint)) +
      writeMember('ip', writeText(ip)) +
      writeMember('description', writeText(description)) +
      writeMember('header', header),
  );
}

function writeHeader(values: readonly string[]): string {
  return values.length === 0 ? '' : `{"values":[${values.map(writeValue).join()}]}`;
}

function fromDetails(session: ComposedSession): object {
  return {
    sequence: String(session.version),
    changeDate: writeTimestamp(session.changedAt),
    resourceOwner: session.organizationId ?? undefined,
    creationDate: session.version === 1 ? writeTimestamp(session.createdAt) : undefined,
  };
}
