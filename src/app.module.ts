import { Global, Module, type DynamicModule, type Type } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PinoLogger } from 'nestjs-pino';
import { DataSource } from 'typeorm';
import { entities, migrations } from '../ormconfig.js';
import { Clock } from './clock.js';
import { Config, type Face } from './config.js';
import { BroadLists } from './database/broad-lists.js';
import { dataSourceOptions } from './database/data-source.js';
import type { Database } from './database/open.js';
import { poolUse, type PoolUse } from './database/pool-use.js';
import { Replica } from './database/replica.js';
import { Notices } from './delivery/mailer.js';
import { Messenger, waysOf } from './delivery/messenger.js';
import { smtpTransport } from './delivery/smtp.js';
import { EventsModule } from './events/events.module.js';
import { CLERK, ClerkModule } from './faces/clerk/clerk.module.js';
import { LENDIX, LendixModule } from './faces/lendix/lendix.module.js';
import { PORTOS, PortosModule } from './faces/portos/portos.module.js';
import { ZITADEL, ZitadelModule } from './faces/zitadel/zitadel.module.js';
import { HttpModule } from './http/http.module.js';
import { Metrics } from './http/metrics.js';
import { WIRES, type Wire } from './http/wire.js';
import { readBody } from './json-api/body.js';
import { writeErrors } from './json-api/errors.js';
import { KeysModule } from './keys/keys.module.js';
import { MachineTokensModule } from './machine-tokens/machine-tokens.module.js';
import { OpenApiModule } from './openapi/openapi.module.js';
import { OtpModule } from './otp/otp.module.js';
import { Outbox } from './qa/outbox.js';
import { QaClock } from './qa/qa-clock.js';
import { QA, QaModule } from './qa/qa.module.js';
import { CodeHasher, Passwords, Sealer } from './secrets.js';
import { LiveSessions } from './sessions/live-sessions.js';
import { SessionsModule } from './sessions/sessions.module.js';
import { UsersModule } from './users/users.module.js';

/** The other APIs: how each speaks, and its room. */
const OTHERS: Partial<Record<Face, { readonly wire: Wire; readonly room: Type }>> = {
  lendix: { wire: LENDIX, room: LendixModule },
  clerk: { wire: CLERK, room: ClerkModule },
  portos: { wire: PORTOS, room: PortosModule },
  zitadel: { wire: ZITADEL, room: ZitadelModule },
};

const NATIVE: Wire = { prefix: '/api/v2', readBody, write: writeErrors };

function served(config: Config): { wire: Wire; room: Type }[] {
  return config.get('FACES').flatMap((face) => OTHERS[face] ?? []);
}

function replicaOf(config: Config): (primary: DataSource, log: PinoLogger) => Replica {
  const url = config.get('DATABASE_REPLICA_URL');
  const rest = { poolSize: config.get('DATABASE_POOL_SIZE'), statements: config.get('DATABASE_STATEMENTS') };
  return (primary, log) => new Replica(primary, url ? { url, ...rest } : null, (line) => log.warn(line));
}

/** What every room may ask for by its class. */
@Global()
@Module({})
class Foundation {
  static with(config: Config, secretKey: Buffer): DynamicModule {
    const { values } = config;
    const passwords = new Passwords(values.BCRYPT_COST, values.PASSWORD_CONCURRENCY, values.PASSWORD_QUEUE);
    const sealer = new Sealer(secretKey);
    const clock = values.QA_MODE ? new QaClock() : new Clock();
    const outbox = values.QA_MODE ? new Outbox(clock) : null;
    const transport = outbox?.transport ?? (values.SMTP_URL ? smtpTransport(values.SMTP_URL) : null);
    const notices = (log: PinoLogger) => new Notices(transport, values.MAIL_FROM, log);
    const messenger = (log: PinoLogger) => new Messenger(outbox?.ways ?? waysOf(config), log);
    const wires = [NATIVE, ...served(config).map(({ wire }) => wire), ...(outbox ? [QA] : [])];
    return {
      module: Foundation,
      providers: [
        { provide: Config, useValue: config },
        { provide: Replica, useFactory: replicaOf(config), inject: [DataSource, PinoLogger] },
        { provide: Passwords, useValue: passwords },
        { provide: BroadLists, useValue: new BroadLists(values.DATABASE_POOL_SIZE) },
        { provide: Sealer, useValue: sealer },
        { provide: CodeHasher, useValue: new CodeHasher(sealer) },
        { provide: Notices, useFactory: notices, inject: [PinoLogger] },
        { provide: Messenger, useFactory: messenger, inject: [PinoLogger] },
        { provide: WIRES, useValue: wires },
        { provide: Clock, useValue: clock },
        { provide: Outbox, useValue: outbox },
      ],
      exports: [
        Config,
        Replica,
        Passwords,
        BroadLists,
        Sealer,
        CodeHasher,
        Notices,
        Messenger,
        WIRES,
        Clock,
        Outbox,
      ],
    };
  }
}

/** The whole service; the only file that names every room. */
@Module({})
export class AppModule {
  constructor(
    metrics: Metrics,
    passwords: Passwords,
    database: DataSource,
    liveSessions: LiveSessions,
    replica: Replica,
  ) {
    replica.onRead((answered) => metrics.countReplicaRead(answered));
    const pool = (name: keyof PoolUse) => () => poolUse(database)[name];
    metrics.gauge('password_hashes_running', 'Password hashes being computed.', () => passwords.load.running);
    metrics.gauge(
      'password_hashes_waiting',
      'Password hashes waiting in line.',
      () => passwords.load.waiting,
    );
    metrics.gauge('database_connections_open', 'Connections to PostgreSQL.', pool('open'));
    metrics.gauge('database_connections_idle', 'Those that nothing runs on.', pool('idle'));
    metrics.gauge('database_statements_waiting', 'Statements waiting for a connection.', pool('waiting'));
    // Each process tells the whole: added up they would count every session several times.
    metrics.gauge(
      'live_sessions',
      'Live sessions; an estimate beyond some 100,000.',
      () => liveSessions.count(),
      'max',
    );
  }

  /** @param database a migrated one; the module opens its own pool to it and closes that with the application */
  static with(config: Config, database: Pick<Database, 'url' | 'secretKey'>): DynamicModule {
    const options = dataSourceOptions(
      database.url,
      config.get('DATABASE_POOL_SIZE'),
      { entities, migrations },
      config.get('DATABASE_STATEMENTS'),
    );
    return {
      module: AppModule,
      imports: [
        Foundation.with(config, database.secretKey),
        TypeOrmModule.forRoot({ ...options, retryAttempts: 1 }), // main.ts waits for the database, with its own words
        SessionsModule, // first: the router tries routes in this order, and these are asked for most
        MachineTokensModule,
        OtpModule,
        UsersModule,
        KeysModule,
        EventsModule,
        HttpModule,
        ...served(config).map(({ room }) => room),
        ...(config.get('QA_MODE') ? [QaModule] : []),
        ...(config.get('DOCS') ? [OpenApiModule] : []),
      ],
    };
  }
}
