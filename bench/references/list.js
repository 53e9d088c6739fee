import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { pool } from './database.js';
import { BY_TOKEN, SESSION, session } from './document.js';
import { listen } from './listen.js';

/*
 * What `GET /api/v2/sessions` costs when there is nothing but node:http and pg: the same statements as Latchkey's, one
 * after the other, each prepared under a name and reading exactly what is shown, and the same document, byte for byte.
 */

const SIZE = 30;
const LIVE = `FROM sessions s JOIN users u ON u.id = s.user_id
  WHERE s.status = 'active' AND (s.expires_at IS NULL OR s.expires_at > $1) AND s.user_id = $2`;
const RECOGNISE = { name: 'recognise', text: `SELECT s.id, s.user_id ${BY_TOKEN}` };
const PAGE = { name: 'page', text: `SELECT ${SESSION} ${LIVE} ORDER BY s.id DESC LIMIT $3 OFFSET $4` };
const COUNT = { name: 'count', text: `SELECT count(*) AS total FROM (SELECT ${LIVE} LIMIT 10001) counted` };

const server = listen(async (request, response) => {
  const token = request.headers.authorization?.slice('Bearer '.length) ?? '';
  const now = new Date();
  const hash = createHash('sha256').update(token).digest();
  const [own] = (await pool.query({ ...RECOGNISE, values: [hash, now] })).rows;
  if (own === undefined) return response.writeHead(401).end();
  const { rows } = await pool.query({ ...PAGE, values: [now, own.user_id, SIZE + 1, 0] });
  // As Latchkey: a page that holds the end of its list tells the total.
  const total = rows.length > SIZE ? await count(now, own.user_id) : rows.length;
  const last = Math.max(1, Math.ceil(total / SIZE));
  const document = JSON.stringify({
    data: rows
      .slice(0, SIZE)
      .map((row) => session(row, row.id === own.id ? token : null, { meta: { included: false } })),
    links: { first: page(1), last: page(last), ...(last > 1 && { next: page(2) }) },
    meta: { current_page: 1, total_pages: last, total_count: total, page_size: SIZE, max_page_size: 200 },
  });
  response.writeHead(200, {
    'Content-Type': 'application/vnd.api+json',
    'Content-Length': Buffer.byteLength(document),
  });
  response.end(document);
});

async function count(now, userId) {
  const { rows } = await pool.query({ ...COUNT, values: [now, userId] });
  return Number(rows[0].total);
}

function page(number) {
  const { port } = server.address();
  return `http://localhost:${port}/api/v2/sessions?page%5Bnumber%5D=${number}&page%5Bsize%5D=${SIZE}`;
}
