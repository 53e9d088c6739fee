/** What is shown of a session, and nothing else. */
export const SESSION = `s.id, s.user_id, s.name, s.note, s.last_ip, s.location, s.device, s.platform, s.browser, s.machine,
  s.read_only, s.last_activity_at, s.expires_at, s.otp_verified_at, s.single_sign_on`;

/** What is shown of its user. */
export const USER = `u.email, u.first_name, u.last_name, u.avatar_url, u.phone_number, u.locale, u.time_zone,
  u.status AS user_status, u.rights, u.two_factor_auth, u.metadata AS user_metadata, u.created_at AS user_created_at,
  u.updated_at AS user_updated_at`;

/** Live at $2, by the token's hash $1. */
export const BY_TOKEN = `FROM sessions s JOIN users u ON u.id = s.user_id
  WHERE s.token_hash = $1 AND s.status = 'active' AND (s.expires_at IS NULL OR s.expires_at > $2)
    AND u.status = 'active'`;

/** A session as JSON:API shows it, out of the columns of `SESSION`. */
export function session(row, token, user) {
  return {
    id: row.id,
    type: 'sessions',
    attributes: {
      name: row.name,
      note: row.note,
      user_id: Number(row.user_id),
      token,
      last_ip: row.last_ip,
      location: row.location,
      device: row.device,
      platform: row.platform,
      browser: row.browser,
      machine: row.machine,
      read_only: row.read_only,
      last_activity_at: instant(row.last_activity_at),
      token_expires_at: row.expires_at && instant(row.expires_at),
      two_factor_auth: row.otp_verified_at !== null,
      single_sign_on: row.single_sign_on,
      agent_first_name: null,
      agent_last_name: null,
      agent_avatar: null,
    },
    relationships: { user },
  };
}

/** Its user, out of the columns of `USER`. */
export function owner(row) {
  return {
    id: row.user_id,
    type: 'users',
    attributes: {
      email: row.email,
      first_name: row.first_name,
      last_name: row.last_name,
      avatar_url: row.avatar_url,
      phone_number: row.phone_number,
      locale: row.locale,
      time_zone: row.time_zone,
      status: row.user_status,
      rights: row.rights,
      two_factor_auth: row.two_factor_auth,
      metadata: row.user_metadata,
      created_at: instant(row.user_created_at),
      updated_at: instant(row.user_updated_at),
    },
  };
}

function instant(date) {
  return date.toISOString().replace('Z', '+00:00');
}
