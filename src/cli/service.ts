import type { INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { PinoLogger } from 'nestjs-pino';
import pino from 'pino';
import { entities, migrations } from '../../ormconfig.js';
import { AppModule } from '../app.module.js';
import { Config } from '../config.js';
import { dataSourceOptions } from '../database/data-source.js';
import { prepareDatabase } from '../database/migrate.js';
import { openDatabase } from '../database/open.js';

/** Milliseconds between one try to reach the database and the next: somebody is waiting. */
const WAITS = [500, 1500];

/** The service's rooms, and word of a signal to stop. */
export interface Service {
  get<T>(room: Type<T>): T;
  readonly stop: AbortSignal;
}

/**
 * Opens the whole service without its web server, beside a running one or without, and closes it again. A signal
 * lets the work finish what it must; the process then exits as a signal has it.
 * @param audit whether the log's audit lines go to standard error; otherwise there is no log
 */
export async function withService<T>(audit: boolean, work: (service: Service) => Promise<T>): Promise<T> {
  const config = new Config();
  const database = await openDatabase(config, 'command');
  try {
    const statements = config.get('DATABASE_STATEMENTS');
    await prepareDatabase(dataSourceOptions(database.url, 2, { entities, migrations }, statements), WAITS);
    const app = await NestFactory.createApplicationContext(AppModule.with(config, database), {
      logger: false,
      abortOnError: false,
    });
    divertLog(audit);
    try {
      return await untilSignal((stop) => work({ get: (room) => roomOf(app, room), stop }));
    } finally {
      await app.close();
    }
  } finally {
    await database.close();
  }
}

/** Standard output is for results, so what the log may say goes to standard error. */
function divertLog(audit: boolean): void {
  const { root } = PinoLogger;
  root.level = audit ? 'info' : 'silent';
  Object.assign(root, { [pino.symbols.streamSym]: process.stderr });
}

function roomOf<T>(app: INestApplicationContext, room: Type<T>): T {
  return app.get(room, { strict: false });
}

async function untilSignal<T>(work: (stop: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    process.exitCode = signal === 'SIGINT' ? 130 : 143;
    stop.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    return await work(stop.signal);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
