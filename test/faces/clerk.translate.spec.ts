import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { environment } from '../../src/faces/clerk/environment.js';
import { errorsOf, WORDS } from '../../src/faces/clerk/errors.js';
import { toAttempt, toLevel, toPreparation } from '../../src/faces/clerk/forms.js';
import { fromId, toId } from '../../src/faces/clerk/ids.js';
import { fromBelonging } from '../../src/faces/clerk/profile.js';
import { sessionClaims, templateClaims, templateFacts } from '../../src/faces/clerk/session-token.js';
import {
  fromActiveSession,
  fromBrowser,
  fromSession,
  fromSignIn,
  fromVerification,
} from '../../src/faces/clerk/translate.js';
import { Refusal, type Reason } from '../../src/refusal.js';
import { Browser } from '../../src/sessions/browser.entity.js';
import { Session } from '../../src/sessions/session.entity.js';
import { SignInAttempt } from '../../src/sessions/sign-in-attempt.entity.js';
import { Verification, type Strategy } from '../../src/sessions/verification.entity.js';
import { User } from '../../src/users/user.entity.js';

const NOW = new Date('2026-11-21T12:00:00.000Z');
const minutesAgo = (minutes: number) => new Date(NOW.getTime() - minutes * 60_000);
const minutesOn = (minutes: number) => minutesAgo(-minutes);

const DATES = { createdAt: minutesAgo(600), updatedAt: minutesAgo(300) };

function userWith(changes: Partial<User> = {}): User {
  return Object.assign(new User(), {
    id: '7',
    email: 'ada@example.com',
    firstName: 'Ada',
    lastName: null,
    avatarUrl: null,
    phoneNumber: '+43660123456',
    twoFactorAuth: false,
    metadata: { plan: 'gold' },
    ...DATES,
    ...changes,
  });
}

function sessionWith(changes: Partial<Session> = {}, user = userWith()): Session & { user: User } {
  const session = Object.assign(new Session(), {
    id: '62',
    userId: user.id,
    status: 'active',
    device: 'desktop',
    platform: 'macOS',
    browser: 'Safari',
    lastIp: '192.0.2.1',
    city: 'Vienna',
    country: 'Austria',
    organizationId: null,
    passwordVerifiedAt: minutesAgo(90),
    firstFactorVerifiedAt: minutesAgo(90),
    secondFactorVerifiedAt: null,
    totpVerifiedAt: null,
    recoveryCodeVerifiedAt: null,
    createdAt: minutesAgo(90),
    changedAt: minutesAgo(5),
    lastActivityAt: minutesAgo(1),
    expiresAt: minutesOn(60),
    ...changes,
  });
  return Object.assign(session, { user });
}

const browser = Object.assign(new Browser(), { id: '1', expiresAt: minutesOn(1_000), ...DATES });
const belonging = {
  membership: { id: '5', role: 'admin', ...DATES },
  organization: { id: '9', name: 'Acme', slug: 'acme', metadata: {}, ...DATES },
};
const BELONGINGS = new Map([['7', [belonging]]]);

const keysOf = (value: unknown) => Object.keys(value as object).sort();
const shown = (value: object) => JSON.parse(JSON.stringify(value));

describe('ids', () => {
  it('are written and read back, whatever the kind', () => {
    const kinds = ['session', 'user', 'browser', 'organization', 'membership', 'signIn'] as const;
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.bigInt(1n, 2n ** 63n - 1n), (kind, id) => {
        expect(fromId(kind, toId(kind, String(id)))).toBe(String(id));
      }),
    );
  });

  it('have one spelling each: whatever is read is written the same', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^sess_[0-9A-Za-z]{0,12}$/), (text) => {
        const id = fromId('session', text);
        if (id !== null) expect(toId('session', id)).toBe(text);
      }),
    );
  });

  it.each([
    ['the id of another kind', toId('user', '62')],
    ['no prefix', '10'],
    ['a leading nought', 'sess_01'],
    ['nought', 'sess_0'],
    ['nothing', 'sess_'],
    ['another alphabet', 'sess_1-0'],
    ['more than 63 bits', 'sess_AzL8n0Y58m8'],
    ['much more', `sess_${'z'.repeat(5_000)}`],
    ['what looks like a digit', 'sess_١'],
    ['a line break behind it', 'sess_10\n'],
  ])('are unknown when they are %s', (_what, text) => {
    expect(fromId('session', text)).toBeNull();
  });

  it('reach exactly to the largest', () => {
    expect(fromId('session', 'sess_AzL8n0Y58m7')).toBe('9223372036854775807');
  });
});

/** CONTRACTS.md §2.3: the members that the specification requires, and the optional ones that are sent. */
const MEMBERS = {
  session:
    'abandon_at actor created_at expire_at factor_verification_age id last_active_at last_active_organization_id last_active_token object public_user_data status tasks updated_at user',
  activeSession:
    'abandon_at actor expire_at id last_active_at last_active_token latest_activity object status tasks user',
  activity: 'browser_name browser_version city country device_type id ip_address is_mobile object',
  client:
    'captcha_bypass cookie_expires_at created_at id last_active_session_id last_authentication_strategy object sessions sign_in sign_up updated_at',
  publicUserData:
    'banned deprovisioned first_name has_image identifier image_url last_name profile_image_url user_id username',
  user: 'backup_code_enabled banned create_organization_enabled created_at delete_self_enabled deprovisioned email_addresses enterprise_accounts external_accounts external_id first_name has_image id image_url last_active_at last_name last_sign_in_at legal_accepted_at locked lockout_expires_in_seconds mfa_disabled_at mfa_enabled_at object organization_memberships passkeys password_enabled password_last_updated_at phone_numbers primary_email_address_id primary_phone_number_id primary_web3_wallet_id public_metadata saml_accounts totp_enabled two_factor_enabled unsafe_metadata updated_at username verification_attempts_remaining web3_wallets',
  emailAddress:
    'created_at email_address id linked_to matches_sso_connection object reserved updated_at verification',
  phoneNumber:
    'backup_codes created_at default_second_factor id linked_to object phone_number reserved reserved_for_second_factor updated_at verification',
  membership:
    'created_at id object organization permissions public_metadata public_user_data role role_name updated_at',
  organization:
    'admin_delete_enabled created_at has_image id image_url max_allowed_memberships name object public_metadata slug updated_at',
  reverification:
    'first_factor_verification level object second_factor_verification session status supported_first_factors supported_second_factors',
  signIn:
    'abandon_at created_session_id first_factor_verification id identifier object second_factor_verification status supported_first_factors supported_identifiers supported_second_factors user_data',
};

describe('objects', () => {
  const client = shown(
    fromBrowser(
      { browser, sessions: [sessionWith()], signIn: null, lastActiveSessionId: '62' },
      BELONGINGS,
      NOW,
    ),
  );
  const [session] = client.sessions;

  it('SECURITY 174: have the documented members and no others', () => {
    const { user } = session;
    const members = {
      session,
      activeSession: fromActiveSession(sessionWith(), NOW),
      activity: shown(fromActiveSession(sessionWith(), NOW)).latest_activity,
      client,
      publicUserData: session.public_user_data,
      user,
      emailAddress: user.email_addresses[0],
      phoneNumber: user.phone_numbers[0],
      membership: user.organization_memberships[0],
      organization: user.organization_memberships[0].organization,
      reverification: reverification({}),
      signIn: signIn({}, null),
    };
    const found = Object.entries(members).map(([name, value]) => [name, keysOf(value).join(' ')]);
    expect(Object.fromEntries(found)).toEqual(MEMBERS);
  });

  it('tell times in milliseconds, ages in whole minutes, and ids in their own alphabet', () => {
    expect(session).toMatchObject({
      id: 'sess_10',
      object: 'session',
      status: 'active',
      expire_at: minutesOn(60).getTime(),
      last_active_at: minutesAgo(1).getTime(),
      created_at: minutesAgo(90).getTime(),
      updated_at: minutesAgo(5).getTime(),
      last_active_organization_id: null,
      factor_verification_age: [90, -1],
      user: { id: 'user_7', primary_email_address_id: 'idn_e7', primary_phone_number_id: 'idn_p7' },
    });
    expect(client).toMatchObject({ id: 'client_1', last_active_session_id: 'sess_10' });
  });

  it.each<[Session['status'], Date, string]>([
    ['active', minutesOn(1), 'active'],
    ['active', NOW, 'expired'],
    ['expired', minutesAgo(1), 'expired'],
    ['ended', minutesOn(1), 'ended'],
    ['removed', minutesOn(1), 'removed'],
    ['revoked', minutesOn(1), 'revoked'],
    ['replaced', minutesOn(1), 'replaced'],
  ])('call a session that is %s until %s %s', (status, expiresAt, word) => {
    expect(fromSession(sessionWith({ status, expiresAt }), BELONGINGS, NOW)).toMatchObject({ status: word });
  });

  it('round the ages of factors down, and never below nought', () => {
    const aged = (firstFactorVerifiedAt: Date, secondFactorVerifiedAt: Date) =>
      fromSession(sessionWith({ firstFactorVerifiedAt, secondFactorVerifiedAt }), BELONGINGS, NOW);
    const [almostTwo, ahead] = [new Date(NOW.getTime() - 119_999), minutesOn(1)];
    expect(aged(almostTwo, ahead)).toMatchObject({ factor_verification_age: [1, 0] });
  });

  it('give a session that never expires the last moment there is', () => {
    const { expire_at } = shown(fromSession(sessionWith({ expiresAt: null }), BELONGINGS, NOW));
    expect(new Date(expire_at).toISOString()).toBe('9999-12-31T23:59:59.999Z');
  });

  it('say of a role what it is for', () => {
    expect(fromBelonging(belonging, userWith())).toMatchObject({
      id: 'orgmem_5',
      role: 'org:admin',
      role_name: 'Admin',
      organization: { id: 'org_9' },
    });
  });

  it('know no number of somebody who has none', () => {
    const { user } = shown(fromSession(sessionWith({}, userWith({ phoneNumber: null })), BELONGINGS, NOW));
    expect(user).toMatchObject({ phone_numbers: [], primary_phone_number_id: null });
  });
});

describe('the environment', () => {
  it('has what the SDK reads without asking whether it is there', () => {
    const noPlans = { enabled: false, has_paid_plans: false };
    expect(environment('Latchkey', 'https://id.example.com')).toMatchObject({
      auth_config: { single_session_mode: false },
      display_config: { instance_environment_type: 'production', application_name: 'Latchkey' },
      user_settings: { attributes: expect.any(Object), social: {}, sign_in: expect.any(Object) },
      organization_settings: { enabled: true },
      commerce_settings: { billing: { organization: noPlans, user: noPlans } },
      api_keys_settings: { user_api_keys_enabled: false, orgs_api_keys_enabled: false },
    });
  });
});

describe('a reverification', () => {
  it('names what can be proved, with the address that a code goes to', () => {
    expect(reverification({})).toMatchObject({
      object: 'session_reverification',
      status: 'needs_first_factor',
      level: 'multi_factor',
      supported_first_factors: [
        { strategy: 'password' },
        {
          strategy: 'email_code',
          safe_identifier: 'ada@example.com',
          email_address_id: 'idn_e7',
          primary: true,
        },
        { strategy: 'phone_code', safe_identifier: '+43660123456', phone_number_id: 'idn_p7', primary: true },
      ],
      supported_second_factors: [{ strategy: 'totp' }, { strategy: 'backup_code' }],
      first_factor_verification: null,
      second_factor_verification: null,
    });
  });

  it.each<[Strategy, Partial<Verification>, object]>([
    ['email_code', {}, { object: 'verification_otp', status: 'unverified', strategy: 'email_code' }],
    ['sms_code', {}, { object: 'verification_otp', status: 'unverified', strategy: 'phone_code' }],
    ['sms_code', { status: 'failed' }, { object: 'verification_otp', status: 'failed' }],
    ['email_code', { expiresAt: NOW }, { object: 'verification_otp', status: 'expired' }],
    ['password', { expiresAt: NOW }, { object: 'verification_password', status: 'unverified' }],
    ['password', { firstVerifiedAt: NOW }, { object: 'verification_password', status: 'verified' }],
  ])('shows how far a factor by %s has come: %j', (firstStrategy, changes, proof) => {
    const { first_factor_verification } = reverification({ firstStrategy, attempts: 3, ...changes });
    expect(first_factor_verification).toMatchObject({ ...proof, attempts: 3, expire_at: expect.any(Number) });
  });

  it.each<[Strategy, string, string]>([
    ['totp', 'verification_totp', 'totp'],
    ['recovery_code', 'verification_backup_code', 'backup_code'],
  ])('shows a second factor by %s', (secondStrategy, object, strategy) => {
    const verification = reverification({ status: 'complete', secondStrategy, secondVerifiedAt: NOW });
    expect(verification).toMatchObject({
      status: 'complete',
      second_factor_verification: { object, strategy, status: 'verified' },
    });
  });
});

describe('a sign-in', () => {
  it('says nothing of a person before the password is proved', () => {
    expect(signIn({ status: 'needs_first_factor' }, null)).toEqual({
      object: 'sign_in_attempt',
      id: 'sia_3',
      status: 'needs_first_factor',
      supported_identifiers: ['email_address'],
      supported_first_factors: [{ strategy: 'password' }],
      supported_second_factors: null,
      first_factor_verification: null,
      second_factor_verification: null,
      identifier: 'ada@example.com',
      user_data: null,
      created_session_id: null,
      abandon_at: minutesOn(10).getTime(),
    });
  });

  it('names the second factors of whoever owes one', () => {
    const user = userWith({ twoFactorAuth: true });
    expect(signIn({ status: 'needs_second_factor', sessionId: '62' }, user)).toMatchObject({
      supported_second_factors: [{ strategy: 'totp' }, { strategy: 'backup_code' }],
      first_factor_verification: { object: 'verification_password', status: 'verified' },
      created_session_id: null,
    });
  });

  it('names the session that it made', () => {
    const user = userWith({ twoFactorAuth: true });
    const session = sessionWith({ recoveryCodeVerifiedAt: NOW, secondFactorVerifiedAt: NOW }, user);
    expect(signIn({ status: 'complete', sessionId: '62' }, user, [session])).toMatchObject({
      status: 'complete',
      created_session_id: 'sess_10',
      second_factor_verification: { object: 'verification_backup_code', status: 'verified' },
      user_data: { first_name: 'Ada' },
    });
  });

  it('is abandoned once its time is over', () => {
    expect(signIn({ status: 'needs_first_factor', expiresAt: NOW }, null)).toMatchObject({
      status: 'abandoned',
    });
  });
});

describe('claims', () => {
  const minting = {
    issuer: 'https://id.example.com/clerk',
    origin: 'https://app.example.com',
    tokenId: 'x',
    now: NOW,
  };
  const seconds = NOW.getTime() / 1000;
  const registered = {
    azp: 'https://app.example.com',
    exp: seconds + 60,
    iat: seconds,
    iss: 'https://id.example.com/clerk',
    jti: 'x',
    nbf: seconds - 10,
    sub: 'user_7',
  };

  it('of a session token are those of version 2', () => {
    expect(sessionClaims(sessionWith(), null, minting)).toEqual({
      ...registered,
      fva: [90, -1],
      sid: 'sess_10',
      sts: 'active',
      v: 2,
    });
    expect(sessionClaims(sessionWith(), belonging, minting)).toMatchObject({
      o: { id: 'org_9', slg: 'acme', rol: 'admin' },
    });
  });

  it('name no party when there was no origin', () => {
    expect(keysOf(sessionClaims(sessionWith(), null, { ...minting, origin: undefined }))).not.toContain(
      'azp',
    );
  });

  it('of a template never take the place of the registered ones', () => {
    const claims = templateClaims(sessionWith(), { sub: 'user_1', exp: 9e9, aud: 'api' }, 120, minting);
    expect(claims).toEqual({ ...registered, exp: seconds + 120, aud: 'api' });
  });

  it('can be filled from the user and the organisation', () => {
    expect(templateFacts(sessionWith(), null)).toMatchObject({
      user: { id: 'user_7', full_name: 'Ada', public_metadata: { plan: 'gold' } },
      org: null,
      session: { id: 'sess_10' },
    });
    expect(templateFacts(sessionWith(), belonging)).toMatchObject({
      org: { slug: 'acme', role: 'org:admin' },
    });
  });
});

describe('forms', () => {
  const form = (fields: Record<string, string>) => new Map(Object.entries(fields));
  const refusalOf = (work: () => unknown): [Reason, string | undefined] | null => {
    try {
      work();
      return null;
    } catch (error) {
      const [{ reason, attribute }] = (error as Refusal).problems;
      return [reason, attribute];
    }
  };

  it.each(['first_factor', 'second_factor', 'multi_factor'])('ask for the level %s', (level) => {
    expect(toLevel(form({ level }))).toBe(level);
  });

  it.each<[string, () => unknown, Reason, string]>([
    ['no level', () => toLevel(form({})), 'blank', 'level'],
    ['an empty level', () => toLevel(form({ level: '' })), 'blank', 'level'],
    ['a level of another spelling', () => toLevel(form({ level: 'firstFactor' })), 'invalid', 'level'],
    ['no strategy', () => toAttempt(form({}), 'first'), 'blank', 'strategy'],
    [
      'a core word',
      () => toAttempt(form({ strategy: 'sms_code', code: '1' }), 'first'),
      'invalid',
      'strategy',
    ],
    ['a password second', () => toAttempt(form({ strategy: 'password' }), 'second'), 'invalid', 'strategy'],
    ['an app first', () => toAttempt(form({ strategy: 'totp', code: '1' }), 'first'), 'invalid', 'strategy'],
    [
      'what JavaScript lends',
      () => toAttempt(form({ strategy: 'toString' }), 'first'),
      'invalid',
      'strategy',
    ],
    ['no password', () => toAttempt(form({ strategy: 'password', code: '1' }), 'first'), 'blank', 'password'],
    ['no code', () => toAttempt(form({ strategy: 'totp', password: 'x' }), 'second'), 'blank', 'code'],
    [
      'an endless code',
      () => toAttempt(form({ strategy: 'totp', code: '1'.repeat(1_001) }), 'second'),
      'too_long',
      'code',
    ],
    [
      'a password to be prepared',
      () => toPreparation(form({ strategy: 'password' }), 'first', userWith()),
      'invalid',
      'strategy',
    ],
    [
      "another's number",
      () => toPreparation(form({ strategy: 'phone_code', phone_number_id: 'idn_p8' }), 'first', userWith()),
      'invalid',
      'phone_number_id',
    ],
    [
      "another's address",
      () => toPreparation(form({ strategy: 'email_code', email_address_id: 'idn_e8' }), 'first', userWith()),
      'invalid',
      'email_address_id',
    ],
  ])('SECURITY 147: refuse %s', (_what, work, reason, attribute) => {
    expect(refusalOf(work)).toEqual([reason, attribute]);
  });

  it('are read in the core’s words', () => {
    const own = form({ strategy: 'phone_code', phone_number_id: 'idn_p7' });
    expect(toPreparation(own, 'first', userWith())).toBe('sms_code');
    expect(toPreparation(form({}), 'second', userWith())).toBe('sms_code');
    const password = form({ strategy: 'password', password: 'x' });
    expect(toAttempt(password, 'first')).toEqual({ strategy: 'password', password: 'x' });
    const backup = form({ strategy: 'backup_code', code: 'abcdefgh' });
    expect(toAttempt(backup, 'second')).toEqual({ strategy: 'recovery_code', code: 'abcdefgh' });
  });
});

/** Status → codes: CONTRACTS.md §2.5; 403 `origin_invalid`: SECURITY.md 129; 503 and 405, 406 have none there. */
const DOCUMENTED: Readonly<Record<number, readonly string[]>> = {
  400: [
    'invalid_action_for_session',
    'invalid_action_for_session_reverification',
    'invalid_query_parameter_value',
    'malformed_request_parameters',
    'origin_authorization_headers_conflict',
    'request_body_invalid',
    'session_reverification_missing',
    'strategy_for_user_invalid',
    'verification_expired',
    'verification_not_sent',
  ],
  401: ['authentication_invalid'],
  403: ['authorization_invalid', 'origin_invalid', 'session_reverification_required'],
  404: ['organization_not_found_or_unauthorized', 'resource_not_found'],
  405: ['method_not_allowed'],
  406: ['not_acceptable'],
  409: ['resource_locked'],
  413: ['request_body_too_large'],
  415: ['unsupported_content_type'],
  422: [
    'form_code_incorrect',
    'form_identifier_exists',
    'form_param_format_invalid',
    'form_param_max_length_exceeded',
    'form_param_missing',
    'form_param_unknown',
    'form_param_value_invalid',
    'form_password_incorrect',
  ],
  429: ['too_many_requests', 'verification_code_too_many_requests'],
  431: ['request_headers_too_large'],
  500: ['internal_clerk_error'],
  503: ['service_unavailable'],
};

describe('refusals', () => {
  it('reach exactly the statuses and codes that are documented', () => {
    const reached: Record<number, string[]> = {};
    for (const { status, code } of Object.values(WORDS)) {
      reached[status] = [...new Set([...(reached[status] ?? []), code])].sort();
    }
    expect(reached).toEqual(DOCUMENTED);
  });

  it.each<[Refusal, object]>([
    [
      new Refusal('blank', { attribute: 'level' }),
      {
        message: 'is missing',
        long_message: 'level must be included.',
        code: 'form_param_missing',
        meta: { param_name: 'level' },
      },
    ],
    [
      new Refusal('wrong_code', { attribute: 'otp' }),
      {
        message: 'is incorrect',
        long_message: 'Incorrect code',
        code: 'form_code_incorrect',
        meta: { param_name: 'code' },
      },
    ],
    [
      new Refusal('not_found', { detail: 'No JWT template exists with this name' }),
      {
        message: 'not found',
        long_message: 'No JWT template exists with this name',
        code: 'resource_not_found',
      },
    ],
  ])('are said in the API’s own words', (refusal, error) => {
    expect(errorsOf(refusal).body).toEqual({ errors: [error] });
  });

  it('say the same of whoever is not there, is closed, or mistyped', () => {
    const [wrong, closed] = [errorsOf(new Refusal('wrong_password')), errorsOf(new Refusal('user_closed'))];
    expect(closed).toEqual(wrong);
    const told = errorsOf(new Refusal('unauthenticated', { detail: 'the session is over' }));
    expect(told).toEqual(errorsOf(new Refusal('unauthenticated')));
  });
});

function reverification(changes: Partial<Verification>) {
  const verification = Object.assign(new Verification(), {
    id: '4',
    level: 'multi_factor',
    status: 'needs_first_factor',
    attempts: 0,
    firstStrategy: null,
    firstVerifiedAt: null,
    secondStrategy: null,
    secondVerifiedAt: null,
    expiresAt: minutesOn(10),
    ...changes,
  });
  const strategies = {
    first: ['password', 'email_code', 'sms_code'],
    second: ['totp', 'recovery_code'],
  } as const;
  return shown(fromVerification(verification, sessionWith(), strategies, BELONGINGS, NOW));
}

function signIn(
  changes: Partial<SignInAttempt>,
  user: User | null,
  sessions: (Session & { user: User })[] = [],
) {
  const attempt = Object.assign(new SignInAttempt(), {
    id: '3',
    identifier: 'ada@example.com',
    sessionId: null,
    status: 'needs_first_factor',
    expiresAt: minutesOn(10),
    ...changes,
  });
  return shown(fromSignIn({ attempt, user }, sessions, NOW));
}
