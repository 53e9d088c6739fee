import { DAY_MILLISECONDS } from '../../clock.js';
import type { Membership } from '../../users/membership.entity.js';
import type { Organization } from '../../users/organization.entity.js';
import type { User } from '../../users/user.entity.js';
import { toId } from './ids.js';

/** One of a user's organisations, and what they are in it. */
export interface Belonging {
  readonly membership: Pick<Membership, 'id' | 'role' | 'createdAt' | 'updatedAt'>;
  readonly organization: Organization;
}

/** A role as this API writes it, e.g. `org:admin`. */
export function toRole(role: string): string {
  return `org:${role}`;
}

/**
 * A User (CONTRACTS.md §2.3). Public metadata is what administrators note of the person; what Latchkey does not keep
 * is null or empty.
 * @param lastActiveAt when one of their sessions was last used; shown to the day
 */
export function fromUser(user: User, belongings: readonly Belonging[], lastActiveAt: Date): object {
  return {
    id: toId('user', user.id),
    object: 'user',
    username: null,
    first_name: user.firstName,
    last_name: user.lastName,
    image_url: user.avatarUrl ?? '',
    has_image: user.avatarUrl !== null,
    primary_email_address_id: toId('emailAddress', user.id),
    primary_phone_number_id: user.phoneNumber === null ? null : toId('phoneNumber', user.id),
    primary_web3_wallet_id: null,
    password_enabled: true, // nobody comes in without one
    two_factor_enabled: user.twoFactorAuth,
    totp_enabled: user.twoFactorAuth,
    backup_code_enabled: user.twoFactorAuth,
    email_addresses: [fromEmailAddress(user)],
    phone_numbers: user.phoneNumber === null ? [] : [fromPhoneNumber(user, user.phoneNumber)],
    web3_wallets: [],
    passkeys: [],
    external_accounts: [],
    saml_accounts: [],
    enterprise_accounts: [],
    organization_memberships: belongings.map((belonging) => fromBelonging(belonging, user)),
    public_metadata: user.metadata,
    unsafe_metadata: {},
    external_id: null,
    last_sign_in_at: null,
    banned: false,
    deprovisioned: false,
    locked: false,
    lockout_expires_in_seconds: null,
    verification_attempts_remaining: null,
    password_last_updated_at: null,
    created_at: user.createdAt.getTime(),
    updated_at: user.updatedAt.getTime(),
    delete_self_enabled: false,
    create_organization_enabled: false,
    last_active_at: Math.floor(lastActiveAt.getTime() / DAY_MILLISECONDS) * DAY_MILLISECONDS,
    mfa_enabled_at: null,
    mfa_disabled_at: null,
    legal_accepted_at: null,
  };
}

/** A PublicUserData: what of a person others may see (CONTRACTS.md §2.3, a closed schema). */
export function fromPublicUser(user: User): object {
  return {
    first_name: user.firstName,
    last_name: user.lastName,
    image_url: user.avatarUrl ?? '',
    has_image: user.avatarUrl !== null,
    identifier: user.email,
    profile_image_url: user.avatarUrl,
    user_id: toId('user', user.id),
    username: null,
    banned: false,
    deprovisioned: false,
  };
}

/** An OrganizationMembership, with its Organization. */
export function fromBelonging({ membership, organization }: Belonging, user: User): object {
  return {
    id: toId('membership', membership.id),
    object: 'organization_membership',
    public_metadata: {},
    role: toRole(membership.role),
    role_name: membership.role.charAt(0).toUpperCase() + membership.role.slice(1),
    permissions: [],
    created_at: membership.createdAt.getTime(),
    updated_at: membership.updatedAt.getTime(),
    organization: fromOrganization(organization),
    public_user_data: fromPublicUser(user),
  };
}

function fromOrganization(organization: Organization): object {
  return {
    id: toId('organization', organization.id),
    object: 'organization',
    name: organization.name,
    slug: organization.slug,
    image_url: '',
    has_image: false,
    max_allowed_memberships: 0, // no limit
    admin_delete_enabled: false,
    public_metadata: organization.metadata,
    created_at: organization.createdAt.getTime(),
    updated_at: organization.updatedAt.getTime(),
  };
}

function fromEmailAddress(user: User): object {
  return {
    id: toId('emailAddress', user.id),
    object: 'email_address',
    email_address: user.email,
    reserved: false,
    verification: null,
    linked_to: [],
    matches_sso_connection: false,
    created_at: user.createdAt.getTime(),
    updated_at: user.updatedAt.getTime(),
  };
}

/** A number is a second factor for whoever has no authenticator app. */
function fromPhoneNumber(user: User, phoneNumber: string): object {
  return {
    id: toId('phoneNumber', user.id),
    object: 'phone_number',
    phone_number: phoneNumber,
    reserved_for_second_factor: !user.twoFactorAuth,
    default_second_factor: !user.twoFactorAuth,
    reserved: false,
    verification: null,
    linked_to: [],
    backup_codes: null,
    created_at: user.createdAt.getTime(),
    updated_at: user.updatedAt.getTime(),
  };
}
