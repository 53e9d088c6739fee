import connectPgSimple from 'connect-pg-simple';
import express from 'express';
import session from 'express-session';
import process from 'node:process';
import { pool } from './database.js';
import { listen } from './listen.js';

/*
 * express-session on connect-pg-simple, each as it comes: the signed cookie, then the session and its user out of it.
 * TOUCH=false leaves out the write of each request that keeps a session from expiring.
 */

const Store = connectPgSimple(session);
const store = new Store({
  pool,
  createTableIfMissing: true,
  disableTouch: process.env.TOUCH === 'false',
  pruneSessionInterval: false,
});
await store.pruneSessions?.(); // makes the table

const app = express();
app.use(
  session({
    store,
    secret: process.env.SECRET,
    resave: false,
    saveUninitialized: false,
    cookie: { maxAge: 14 * 86_400_000 },
  }),
);
app.get('/session', (request, response) => {
  const { session: current, user } = request.session;
  if (user === undefined) response.status(401).end();
  else response.json({ session: current, user });
});
listen(app);
