import type { Session } from '../../sessions/session.entity.js';
import type { OwnedSession } from '../../sessions/session.rows.js';
import { fullName } from '../../users/full-name.js';
import { toId } from './ids.js';
import { toRole, type Belonging } from './profile.js';
import { factorAges } from './translate.js';

/** How long a session token is good for, in seconds (DECISIONS.md, Clerk). */
const SESSION_TOKEN_SECONDS = 60;
/** What a token is for, said in its header: verifiers take none of a template for a session token. */
export const SESSION_TOKEN_HEADER = { cat: 'cl_B7d4PD111AAA' };
export const TEMPLATE_TOKEN_HEADER = { cat: 'cl_B7d4PD222AAA' };
/** Verifiers' clocks may be this far behind ours. */
const NOT_BEFORE_SECONDS = 10;

/** The circumstances under which a token is made. */
export interface Minting {
  /** The base URL of this API: `iss`. */
  readonly issuer: string;
  /** The Origin header of the request, if it has one: `azp`. */
  readonly origin: string | undefined;
  /** A random id of the token: `jti`. */
  readonly tokenId: string;
  readonly now: Date;
}

/**
 * The claims of a session token, version 2 (CONTRACTS.md §2.7).
 * @param belonging the organisation that the session acts for, if it does
 */
export function sessionClaims(session: Session, belonging: Belonging | null, minting: Minting): object {
  return {
    ...registeredClaims(session, SESSION_TOKEN_SECONDS, minting),
    fva: factorAges(session, minting.now),
    ...(belonging === null ? {} : { o: organizationClaim(belonging) }),
    sid: toId('session', session.id),
    sts: 'active',
    v: 2,
  };
}

/**
 * The claims of a token after a template: what the template says, then what it cannot say otherwise.
 * @param custom the template's claims, filled in
 */
export function templateClaims(
  session: Session,
  custom: Readonly<Record<string, unknown>>,
  lifetimeSeconds: number,
  minting: Minting,
): object {
  return { ...custom, ...registeredClaims(session, lifetimeSeconds, minting) };
}

/** What a template's `{{user.x}}`, `{{org.x}}` and `{{session.x}}` stand for. */
export function templateFacts(session: OwnedSession, belonging: Belonging | null): Record<string, unknown> {
  const { user } = session;
  return {
    user: {
      id: toId('user', user.id),
      first_name: user.firstName,
      last_name: user.lastName,
      full_name: fullName(user),
      primary_email_address: user.email,
      primary_phone_number: user.phoneNumber,
      image_url: user.avatarUrl,
      has_image: user.avatarUrl !== null,
      two_factor_enabled: user.twoFactorAuth,
      public_metadata: user.metadata,
      created_at: user.createdAt.getTime(),
      updated_at: user.updatedAt.getTime(),
    },
    org: belonging && {
      id: toId('organization', belonging.organization.id),
      name: belonging.organization.name,
      slug: belonging.organization.slug,
      role: toRole(belonging.membership.role),
      public_metadata: belonging.organization.metadata,
    },
    session: { id: toId('session', session.id) },
  };
}

function registeredClaims(session: Session, lifetimeSeconds: number, minting: Minting): object {
  const issuedAt = Math.floor(minting.now.getTime() / 1000);
  return {
    ...(minting.origin === undefined ? {} : { azp: minting.origin }),
    exp: issuedAt + lifetimeSeconds,
    iat: issuedAt,
    iss: minting.issuer,
    jti: minting.tokenId,
    nbf: issuedAt - NOT_BEFORE_SECONDS,
    sub: toId('user', session.userId),
  };
}

/** The organisation in short; its role is written without `org:` here. */
function organizationClaim({ membership, organization }: Belonging): object {
  return { id: toId('organization', organization.id), slg: organization.slug, rol: membership.role };
}
