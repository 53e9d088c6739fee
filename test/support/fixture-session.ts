import { hashToken, mintToken } from '../../src/secrets.js';
import type { Session } from '../../src/sessions/session.entity.js';
import type { Credential, Latchkey } from './latchkey.js';

/** Columns of a row that no request can bring about at will: old ones, with any origin, or with none. */
export type FixtureSession = Partial<
  Pick<
    Session,
    | 'status'
    | 'machine'
    | 'readOnly'
    | 'name'
    | 'note'
    | 'lastIp'
    | 'location'
    | 'device'
    | 'platform'
    | 'browser'
    | 'singleSignOn'
    | 'secondFactorVerifiedAt'
    | 'createdAt'
    | 'lastActivityAt'
    | 'expiresAt'
  >
>;

/** Adds a session by the back door: active, just used, from nowhere, without expiry, unless the row says otherwise. */
export async function addSession(
  latchkey: Latchkey,
  userId: string,
  row: FixtureSession = {},
): Promise<Credential> {
  const token = mintToken();
  const createdAt = row.createdAt ?? latchkey.clock.now();
  const values = [
    userId,
    hashToken(token),
    row.status ?? 'active',
    row.machine ?? false,
    row.readOnly ?? false,
    row.name ?? null,
    row.note ?? null,
    row.lastIp ?? null,
    row.location ?? null,
    row.device ?? null,
    row.platform ?? null,
    row.browser ?? null,
    row.singleSignOn ?? false,
    row.secondFactorVerifiedAt ?? null,
    createdAt,
    row.lastActivityAt ?? createdAt,
    row.expiresAt ?? null,
  ];
  const [added] = await latchkey.sql<{ id: string }>(
    `INSERT INTO sessions (user_id, token_hash, status, machine, read_only, name, note, last_ip, location, device,
       platform, browser, single_sign_on, otp_verified_at, created_at, last_activity_at, expires_at)
     VALUES (${values.map((_, index) => `$${index + 1}`).join(', ')}) RETURNING id`,
    values,
  );
  return { sessionId: added!.id, token };
}
