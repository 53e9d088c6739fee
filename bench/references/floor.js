import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { pool } from './database.js';
import { BY_TOKEN, SESSION, USER, owner, session } from './document.js';
import { listen } from './listen.js';

/*
 * The floor: what `GET /api/v2/sessions/current` costs when there is nothing but node:http and pg, one named prepared
 * statement that reads exactly what is shown, and the same document, byte for byte. On Latchkey's own tables.
 */

const STATEMENTS = {
  '/api/v2/sessions/current': { name: 'session', text: `SELECT ${SESSION} ${BY_TOKEN}` },
  '/api/v2/sessions/current?include=user': {
    name: 'session_and_user',
    text: `SELECT ${SESSION}, ${USER} ${BY_TOKEN}`,
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
