import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { pool } from './database.js';
import { listen } from './listen.js';

/*
 * The floor: what `GET /api/v2/sessions/current` costs when there is nothing but node:http and pg, one named prepared
 * statement that reads exactly what is shown, and the same document, byte for byte. On Latchkey's own tables.
 */

const SESSION = `s.id, s.user_id, s.name, s.note, s.last_ip, s.location, s.device, s.platform, s.browser, s.machine,
  s.read_only, s.last_activity_at, s.expires_at, s.otp_verified_at, s.single_sign_on`;
const USER = `u.email, u.first_name, u.last_name, u.avatar_url, u.phone_number, u.locale, u.time_zone,
  u.status AS user_status, u.rights, u.two_factor_auth, u.metadata AS user_metadata, u.created_at AS user_created_at,
  u.updated_at AS user_updated_at`;
const WHERE = `FROM sessions s JOIN users u ON u.id = s.user_id
  WHERE s.token_hash = $1 AND s.status = 'active' AND (s.expires_at IS NULL OR s.expires_at > $2)
    AND u.status = 'active'`;
const STATEMENTS = {
  '/api/v2/sessions/current': { name: 'session', text: `SELECT ${SESSION} ${WHERE}` },
  '/api/v2/sessions/current?include=user': {
    name: 'session_and_user',
    text: `SELECT ${SESSION}, ${USER} ${WHERE}`,
  },
};

listen(async (request, response) => {
  const statement = STATEMENTS[request.url];
  const token = request.headers.authorization?.slice('Bearer '.length) ?? '';
  const hash = createHash('sha256').update(token).digest();
  const { rows } = await pool.query({ ...statement, values: [hash, new Date()] });
  if (rows.length === 0) return response.writeHead(401).end();
  const document = JSON.stringify('email' in rows[0] ? withUser(rows[0], token) : alone(rows[0], token));
  response.writeHead(200, {
    'Content-Type': 'application/vnd.api+json',
    'Content-Length': Buffer.byteLength(document),
  });
  response.end(document);
});

function alone(row, token) {
  return { data: session(row, token, { meta: { included: false } }), meta: {} };
}

function withUser(row, token) {
  const user = { data: { type: 'users', id: row.user_id } };
  return { data: session(row, token, user), included: [owner(row)], meta: {} };
}

function session(row, token, user) {
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

function owner(row) {
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
