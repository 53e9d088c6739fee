import './garbage-collector.js';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { PinoLogger } from 'nestjs-pino';
import cluster from 'node:cluster';
import { entities, migrations } from '../ormconfig.js';
import { AppModule } from './app.module.js';
import { Config, ConfigError } from './config.js';
import { dataSourceOptions } from './database/data-source.js';
import { prepareDatabase } from './database/migrate.js';
import { openDatabase } from './database/open.js';
import { Messenger } from './delivery/messenger.js';
import { greeting, type Started } from './greeting.js';
import { asRefusal } from './http/failure.js';
import { drain } from './http/open-responses.js';
import { Shutdown } from './http/shutdown.js';
import { createWebServer } from './http/web-server.js';
import { KeysService } from './keys/keys.service.js';
import { Refusal } from './refusal.js';
import { FirstAdministrator } from './users/first-administrator.js';
import { handedDatabase, Workers, type HandedDatabase } from './workers.js';

/**
 * Seconds for each part of the way down; together less than the 15 that supervisors are promised (a database that
 * is still being opened has no requests to wait for).
 */
const SECONDS = { drain: 10, closeApplication: 2, stopDatabase: 2.5, openDatabase: 10 };

const shutdown = new Shutdown({
  info: (message) => say(process.stderr, message),
  fatal: ({ err }, message) =>
    say(process.stderr, `${message}: ${err instanceof Error ? err.stack : String(err)}`),
});

// A full disk beneath the log, or a reader that went away, takes the log and never the service.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

try {
  const config = new Config();
  await (cluster.isWorker ? startWorker(config) : start(config));
} catch (error) {
  if (!shutdown.hasBegun) say(process.stderr, whyNot(error)); // else it is the shutdown that broke it off
  await shutdown.run(1);
}

async function start(config: Config): Promise<void> {
  shutdown.listen();
  const opening = openDatabase(config, 'server');
  const opened = opening.catch(() => null);
  shutdown.add(SECONDS.stopDatabase, async () => (await opened)?.close(), true);
  shutdown.add(SECONDS.openDatabase, () => opened, true); // a server on its way up has to be stopped as well
  const database = await opening;
  const statements = config.get('DATABASE_STATEMENTS');
  await prepareDatabase(dataSourceOptions(database.url, 2, { entities, migrations }, statements));
  const serve = config.get('WEB_CONCURRENCY') > 1 ? serveByWorkers : serveHere;
  say(process.stdout, greeting({ config, ...(await serve(config, database)) }));
}

type Serving = Omit<Started, 'config'>;

async function serveHere(config: Config, database: HandedDatabase): Promise<Serving> {
  const app = await openWebServer(config, database);
  const administrator = await ensureBeginnings(config, app);
  await app.listen(config.get('PORT'), config.get('HOST'));
  const { locals } = app.getHttpAdapter().getInstance();
  return { url: String(locals.publicUrl), messenger: app.get(Messenger), administrator };
}

/** The primary opens the rooms once, for what has to be there before anybody is served, and then only keeps workers. */
async function serveByWorkers(config: Config, database: HandedDatabase): Promise<Serving> {
  const rooms = await NestFactory.createApplicationContext(AppModule.with(config, database), {
    logger: false,
    abortOnError: false,
  });
  const administrator = await ensureBeginnings(config, rooms);
  const messenger = rooms.get(Messenger);
  await rooms.close();
  const workers = new Workers(database, (line) => say(process.stderr, line));
  shutdown.add(SECONDS.drain + SECONDS.closeApplication + 1, () => workers.stop());
  const port = await workers.start(config.get('WEB_CONCURRENCY'));
  return { url: config.get('PUBLIC_URL') ?? `http://localhost:${port}`, messenger, administrator };
}

async function startWorker(config: Config): Promise<void> {
  shutdown.listen();
  const app = await openWebServer(config, await handedDatabase());
  await app.listen(config.get('PORT'), config.get('HOST'));
}

/** The rooms behind a web server that does not listen yet, each with its place in the way down. */
async function openWebServer(config: Config, database: HandedDatabase): Promise<NestExpressApplication> {
  const app = await createWebServer(AppModule.with(config, database));
  shutdown.add(SECONDS.closeApplication, () => app.close());
  shutdown.logTo(await app.resolve<PinoLogger>(PinoLogger));
  await app.init();
  shutdown.add(SECONDS.drain + 0.5, () => drain(app.getHttpServer(), SECONDS.drain));
  return app;
}

/** A key to sign with, and somebody who can sign in. */
async function ensureBeginnings(
  config: Config,
  rooms: INestApplicationContext,
): Promise<Started['administrator']> {
  await rooms.get(KeysService, { strict: false }).ensureKey();
  return rooms
    .get(FirstAdministrator, { strict: false })
    .ensure(config.get('ADMIN_EMAIL'), config.get('ADMIN_PASSWORD'));
}

/** What keeps Latchkey from starting, in a sentence for whoever started it. */
function whyNot(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  const { code, port, address } = error as { code?: string; port?: number; address?: string };
  if (code === 'EADDRINUSE')
    return `Latchkey cannot start: port ${port} is taken: set PORT to another, or 0 for any`;
  if (code === 'EACCES' && port !== undefined)
    return `Latchkey cannot start: this user may not listen on port ${port}`;
  if (code === 'EADDRNOTAVAIL') return `Latchkey cannot start: HOST ${address} is no address of this machine`;
  if (error instanceof Refusal) {
    return `Latchkey cannot start: ${error.problems[0].attribute ?? 'something'} is refused: ${error.reason}`;
  }
  const [firstLine] = (error instanceof Error ? error.message || code || error.name : String(error)).split(
    '\n',
  );
  if (asRefusal(error)?.reason === 'unavailable') {
    return `Latchkey cannot start: the database does not answer: ${firstLine}`;
  }
  return `Latchkey cannot start: ${firstLine}`;
}

function say(stream: NodeJS.WriteStream, text: string): void {
  stream.write(`${text}\n`);
}
