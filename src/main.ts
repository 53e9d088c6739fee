import type { NestExpressApplication } from '@nestjs/platform-express';
import { PinoLogger } from 'nestjs-pino';
import { entities, migrations } from '../ormconfig.js';
import { AppModule } from './app.module.js';
import { Config, ConfigError } from './config.js';
import { dataSourceOptions } from './database/data-source.js';
import { prepareDatabase } from './database/migrate.js';
import { openDatabase } from './database/open.js';
import { Messenger } from './delivery/messenger.js';
import { asRefusal } from './http/failure.js';
import { drain } from './http/open-responses.js';
import { Shutdown } from './http/shutdown.js';
import { createWebServer } from './http/web-server.js';
import { KeysService } from './keys/keys.service.js';
import { Refusal } from './refusal.js';
import { FirstAdministrator } from './users/first-administrator.js';

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
  await start(new Config());
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
  await prepareDatabase(dataSourceOptions(database.url, 2, { entities, migrations }));
  const app = await createWebServer(AppModule.with(config, database));
  shutdown.add(SECONDS.closeApplication, () => app.close());
  shutdown.logTo(await app.resolve<PinoLogger>(PinoLogger));
  await app.init();
  await app.get(KeysService, { strict: false }).ensureKey();
  const administrator = await app
    .get(FirstAdministrator, { strict: false })
    .ensure(config.get('ADMIN_EMAIL'), config.get('ADMIN_PASSWORD'));
  shutdown.add(SECONDS.drain + 0.5, () => drain(app.getHttpServer(), SECONDS.drain));
  await app.listen(config.get('PORT'), config.get('HOST'));
  greet(config, app, administrator);
}

/** Tells whoever started Latchkey where it is and how to sign in; a generated password is shown this once. */
function greet(
  config: Config,
  app: NestExpressApplication,
  administrator: { email: string; password: string | null } | null,
): void {
  const { locals } = app.getHttpAdapter().getInstance();
  const url = String(locals.publicUrl);
  const email = administrator?.email ?? config.get('ADMIN_EMAIL') ?? 'EMAIL';
  const password = administrator?.password ?? 'PASSWORD';
  const lines = [
    `Latchkey listens on ${url}`,
    ...(config.get('DOCS') ? [`Documentation:  ${url}/docs`] : []),
    ...(administrator ? [`Administrator:  ${email}`] : []),
    ...(administrator?.password ? [`Password:       ${password}   (shown this once)`] : []),
    ...(config.get('SMTP_URL') === undefined ? ['Security notices are not sent: SMTP_URL is not set'] : []),
    ...codeLines(app.get(Messenger)),
    'Sign in:',
    signInCommand(url, email, password),
  ];
  say(process.stdout, lines.join('\n'));
}

/** Says where codes go; a mail server for codes by mail needs no saying. */
function codeLines(messenger: Messenger): string[] {
  const settings = { sms: 'SMS_WEBHOOK_URL', email: 'SMTP_URL' } as const;
  return (['sms', 'email'] as const).flatMap((channel) => {
    const way = messenger.wayOf(channel);
    const codes = `Codes by ${channel === 'sms' ? 'SMS' : 'mail'}`;
    if (way === 'console') return [`${codes} are printed here: ${settings[channel]} is not set`];
    return way === null ? [`${codes} cannot be sent: ${settings[channel]} is not set`] : [];
  });
}

/** One line for a POSIX shell that works as it is pasted. */
function signInCommand(url: string, email: string, password: string): string {
  const document = { data: { type: 'sessions', attributes: { email, password } } };
  const type = 'Content-Type: application/vnd.api+json';
  return ['curl', '-sS', `${url}/api/v2/sessions`, '-H', type, '-d', JSON.stringify(document)]
    .map(quoted)
    .join(' ');
}

function quoted(word: string): string {
  return /^[\w.:/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
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
