import { environment } from '../faces/clerk/environment.js';
import {
  fromActiveSession,
  fromBrowser,
  fromSession,
  fromSignIn,
  fromVerification,
  wrap,
} from '../faces/clerk/translate.js';
import { Browser } from '../sessions/browser.entity.js';
import { Session } from '../sessions/session.entity.js';
import { SignInAttempt } from '../sessions/sign-in-attempt.entity.js';
import { Verification } from '../sessions/verification.entity.js';
import { Organization } from '../users/organization.entity.js';
import { User } from '../users/user.entity.js';

/** Examples are told by the translations themselves, so that they look as what is sent. */
const NOW = new Date('2026-11-21T09:30:00.000Z');
const MORNING = new Date('2026-11-21T08:00:00.000Z');
const IN_TEN_MINUTES = new Date('2026-11-21T09:40:00.000Z');
const IN_TWO_WEEKS = new Date('2026-12-05T09:30:00.000Z');
const DATES = { createdAt: new Date('2025-04-03T08:38:25.000Z'), updatedAt: MORNING };

const ADA = Object.assign(new User(), {
  ...{ id: '52', email: 'ada@example.com', firstName: 'Ada', lastName: 'Sample', avatarUrl: null },
  ...{ phoneNumber: '+33600000000', twoFactorAuth: false, metadata: { plan: 'gold' }, ...DATES },
});

const ACME = {
  membership: { id: '3', role: 'admin', ...DATES },
  organization: Object.assign(new Organization(), {
    ...{ id: '2', name: 'Acme', slug: 'acme', metadata: {}, ...DATES },
  }),
};
const BELONGINGS = new Map([[ADA.id, [ACME]]]);

const sessionOf = (changes: object) =>
  Object.assign(new Session(), {
    ...{ id: '1234', userId: ADA.id, user: ADA, status: 'active' as const, organizationId: '2' },
    ...{ device: 'desktop', platform: 'macOS', browser: 'Chrome', lastIp: '192.0.2.17' },
    ...{ city: 'Nanterre', country: 'France', passwordVerifiedAt: MORNING, firstFactorVerifiedAt: MORNING },
    ...{ secondFactorVerifiedAt: null, totpVerifiedAt: null, recoveryCodeVerifiedAt: null },
    ...{ createdAt: MORNING, changedAt: MORNING, lastActivityAt: NOW, expiresAt: IN_TWO_WEEKS },
    ...changes,
  });
const SESSION = sessionOf({});

const BROWSER = Object.assign(new Browser(), {
  ...{ id: '77', expiresAt: IN_TWO_WEEKS, createdAt: MORNING, updatedAt: MORNING },
});
const holding = (sessions: readonly (typeof SESSION)[], lastActiveSessionId: string | null) =>
  fromBrowser({ browser: BROWSER, sessions, signIn: null, lastActiveSessionId }, BELONGINGS, NOW);
const CLIENT = holding([SESSION], SESSION.id);
const EMPTY_CLIENT = holding([], null);

const verification = (changes: object) =>
  Object.assign(new Verification(), {
    ...{ id: '9', sessionId: SESSION.id, level: 'first_factor', status: 'needs_first_factor', attempts: 0 },
    ...{ firstStrategy: null, firstVerifiedAt: null, secondStrategy: null, secondVerifiedAt: null },
    ...{ expiresAt: IN_TEN_MINUTES, ...changes },
  });
const shownVerification = (changes: object, session = SESSION) => {
  const strategies = { first: ['password', 'email_code', 'sms_code'], second: ['sms_code'] } as const;
  return wrap(fromVerification(verification(changes), session, strategies, BELONGINGS, NOW), CLIENT);
};

const signIn = (changes: object, user: User | null) => {
  const attempt = Object.assign(new SignInAttempt(), {
    ...{ id: '15', identifier: ADA.email, sessionId: null, status: 'needs_first_factor' },
    ...{ expiresAt: IN_TEN_MINUTES, ...changes },
  });
  return fromSignIn({ attempt, user }, [SESSION], NOW);
};

/** Answers of Clerk's routes, by what they show. */
export const CLERK_EXAMPLES = {
  client: wrap(CLIENT, CLIENT),
  emptied: wrap(EMPTY_CLIENT, EMPTY_CLIENT),
  nobody: wrap(null, null),
  session: wrap(fromSession(SESSION, BELONGINGS, NOW), CLIENT),
  ended: wrap(
    fromSession(sessionOf({ status: 'ended' }), BELONGINGS, NOW),
    holding([sessionOf({ status: 'ended' })], null),
  ),
  removed: wrap(fromSession(sessionOf({ status: 'removed' }), BELONGINGS, NOW), EMPTY_CLIENT),
  revoked: wrap(fromSession(sessionOf({ status: 'revoked' }), BELONGINGS, NOW), EMPTY_CLIENT),
  sessions: [fromSession(SESSION, BELONGINGS, NOW)],
  activeSessions: [fromActiveSession(SESSION, NOW)],
  started: shownVerification({}),
  prepared: shownVerification({ firstStrategy: 'email_code' }),
  proved: shownVerification(
    { firstStrategy: 'email_code', firstVerifiedAt: NOW, attempts: 1, status: 'complete' },
    sessionOf({ firstFactorVerifiedAt: NOW }),
  ),
  preparedSecond: shownVerification({
    ...{ level: 'second_factor', status: 'needs_second_factor', secondStrategy: 'sms_code' },
  }),
  provedSecond: shownVerification(
    { level: 'second_factor', status: 'complete', secondStrategy: 'sms_code', secondVerifiedAt: NOW },
    sessionOf({ secondFactorVerifiedAt: NOW }),
  ),
  signInBegun: wrap(signIn({}, null), EMPTY_CLIENT),
  signInOwing: wrap(
    signIn({ status: 'needs_second_factor' }, Object.assign(new User(), ADA, { twoFactorAuth: true })),
    EMPTY_CLIENT,
  ),
  signInComplete: wrap(signIn({ status: 'complete', sessionId: SESSION.id }, ADA), CLIENT),
  environment: environment('Latchkey', 'https://id.example.com'),
  jwks: {
    keys: [
      {
        kty: 'RSA',
        n: 'sXchDaQebHnPiGvyDOAT4saGEUetSyo9…',
        e: 'AQAB',
        kid: 'C41k…',
        alg: 'RS256',
        use: 'sig',
      },
    ],
  },
  token: { jwt: 'eyJhbGciOiJSUzI1NiIsImNhdCI6ImNsX0I3ZDRQRDExMUFBQSIsImtpZCI6IkM0MWsiLCJ0eXAiOiJKV1QifQ.…' },
};
