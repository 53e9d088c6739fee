import connectPgSimple from 'connect-pg-simple';
import express from 'express';
import session from 'express-session';
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { pool } from './database.js';
import { listen } from './listen.js';

/*
 * express-session on connect-pg-simple, each as it comes: the signed cookie, then the session and its user out of it.
 * TOUCH=false leaves out the write of each request that keeps a session from expiring. It runs on bare
 * node:http, which serves it fastest; EXPRESS=true puts it into an Express app, where it mostly is.
 */

const Store = connectPgSimple(session);
const store = new Store({
  pool,
  createTableIfMissing: true,
  disableTouch: process.env.TOUCH === 'false',
  pruneSessionInterval: false,
});
await new Promise((resolve) => store.get('nobody', resolve)); // makes the table

const withSession = session({
  store,
  secret: process.env.SECRET,
  resave: false,
  saveUninitialized: false,
  cookie: { maxAge: 14 * 86_400_000 },
});

if (process.env.EXPRESS === 'true') {
  const app = express();
  app.use(withSession);
  app.get('/session', (request, response) => {
    const { session: current, user } = request.session;
    if (user === undefined) response.status(401).end();
    else response.json({ session: current, user });
  });
  listen(app);
} else {
  listen((request, response) =>
    withSession(request, response, (error) => {
      const { session: current, user } = request.session ?? {};
      if (error || user === undefined) return response.writeHead(401).end();
      const document = JSON.stringify({ session: current, user });
      response.writeHead(200, {
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(document),
      });
      response.end(document);
    }),
  );
}
