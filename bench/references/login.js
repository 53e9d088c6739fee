import bcrypt from 'bcrypt';
import { Buffer } from 'node:buffer';
import { createHash, randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { pool } from './database.js';
import { listen } from './listen.js';

/*
 * What signing in costs when there is nothing but node:http, pg and bcrypt: the user by address, the password's hash
 * compared, a session written, the contract's document out. `/hash` compares a hash and does nothing else: the ceiling.
 */

const USER = {
  name: 'user',
  text: `SELECT id, password_hash FROM users WHERE email_key = $1 AND status = 'active'`,
};
const OPEN = {
  name: 'open',
  text: `INSERT INTO sessions (user_id, status, token_hash, last_ip, user_agent, user_verified_at,
      password_verified_at, first_factor_verified_at, created_at, last_activity_at, expires_at)
    VALUES ($1, 'active', $2, $3, $4, $5, $5, $5, $5, $5, $6) RETURNING id`,
};
const HASH = await bcrypt.hash('a password for the bench', 10);

listen(async (request, response) => {
  const sent = JSON.parse(String(await buffer(request))).data.attributes;
  if (request.url === '/hash') {
    return response.writeHead((await bcrypt.compare(sent.password, HASH)) ? 201 : 401).end('"token":"0"');
  }
  const [user] = (await pool.query({ ...USER, values: [sent.email.toLowerCase()] })).rows;
  if (user === undefined || !(await bcrypt.compare(sent.password, user.password_hash))) {
    return response.writeHead(401).end();
  }
  const token = randomUUID();
  const now = new Date();
  const expiresAt = new Date(now.getTime() + 14 * 86_400_000);
  const { remoteAddress } = request.socket;
  const [session] = (
    await pool.query({
      ...OPEN,
      values: [
        user.id,
        createHash('sha256').update(token).digest(),
        remoteAddress,
        request.headers['user-agent'],
        now,
        expiresAt,
      ],
    })
  ).rows;
  const attributes = { user_id: Number(user.id), token, last_ip: remoteAddress, token_expires_at: expiresAt };
  const document = JSON.stringify({ data: { id: session.id, type: 'sessions', attributes }, meta: {} });
  response.writeHead(201, {
    'Content-Type': 'application/vnd.api+json',
    'Content-Length': Buffer.byteLength(document),
  });
  response.end(document);
});
