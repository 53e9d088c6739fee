import type { NestExpressApplication } from '@nestjs/platform-express';
import { generateSync } from 'otplib';
import { DataSource } from 'typeorm';
import { AppModule } from '../../src/app.module.js';
import { OPERATOR } from '../../src/caller.js';
import { Clock } from '../../src/clock.js';
import { Config } from '../../src/config.js';
import { createWebServer } from '../../src/http/web-server.js';
import { KeysService } from '../../src/keys/keys.service.js';
import { UsersService } from '../../src/users/users.service.js';
import { createTestDatabase, type TestDatabase } from './database.js';
import { document, Door, PASSWORD, type Person, type SignedInPerson } from './door.js';

export { document, JSON_API, PASSWORD } from './door.js';
export type { Credential, Person, SignedInPerson } from './door.js';

/** The whole service on a database of its own, spoken to over HTTP; `stop()` leaves nothing behind. */
export class Latchkey extends Door {
  private people = 0;

  private constructor(
    readonly app: NestExpressApplication,
    url: string,
    readonly database: TestDatabase,
    private readonly ownsDatabase: boolean,
  ) {
    super(url);
  }

  /**
   * @param settings environment keys beside those of the rig
   * @param beside another instance, to share its database
   */
  static async start(settings: Record<string, string> = {}, beside?: Latchkey): Promise<Latchkey> {
    const database = beside?.database ?? (await createTestDatabase());
    const config = new Config({ ...process.env, DATABASE_URL: undefined, ...settings });
    const secretKey = Buffer.from(process.env.SECRET_KEY ?? '', 'hex');
    const app = await createWebServer(AppModule.with(config, { url: database.url, secretKey }));
    await app.init();
    await app.get(KeysService, { strict: false }).ensureKey();
    await app.listen(0, '127.0.0.1');
    return new Latchkey(app, await app.getUrl(), database, beside === undefined);
  }

  async stop(): Promise<void> {
    // A kept-alive connection that is not yet idle when the server closes would hold it for another minute.
    this.app.getHttpServer().closeAllConnections();
    await this.app.close();
    if (this.ownsDatabase) await this.database.drop();
  }

  get clock(): Clock {
    return this.app.get(Clock);
  }

  /** Runs SQL on the database beneath, for what no API shows. */
  sql<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
    return this.app.get(DataSource).query(text, values);
  }

  /** Adds a user by the back door; everything else comes in by the front one. */
  async addUser(
    settings: { rights?: string[]; email?: string; password?: string | null } = {},
  ): Promise<Person> {
    const email = settings.email ?? `person${++this.people}@example.com`;
    const password = settings.password === undefined ? PASSWORD : settings.password;
    const users = this.app.get(UsersService, { strict: false });
    const user = await users.create(OPERATOR, { email, password, rights: settings.rights ?? [] });
    return { id: user.id, email, password: password ?? '' };
  }

  /** A new user, signed in over HTTP. */
  async asUser(settings: { rights?: string[] } = {}): Promise<SignedInPerson> {
    const person = await this.addUser(settings);
    return { ...person, ...(await this.signIn(person)) };
  }

  /** A new administrator, signed in over HTTP. */
  asAdmin(): Promise<SignedInPerson> {
    return this.asUser({ rights: ['*'] });
  }

  /** Turns two-factor authentication on over HTTP. The clock steps on, so that the next code is an unspent one. */
  async enableTwoFactor(person: SignedInPerson): Promise<SecondFactor> {
    const start = document('otp_enrollments', { password: person.password });
    const begun = await this.post(`/api/v2/users/${person.id}/otp_enrollments`, person.token, start).expect(
      201,
    );
    const { id } = begun.body.data;
    const { secret } = begun.body.data.attributes;
    const code = document('otp_enrollments', { otp: this.codeNow(secret) });
    const confirmed = await this.put(`/api/v2/otp_enrollments/${id}/confirm`, person.token, code).expect(200);
    this.clock.move(30_000);
    return { enrollmentId: id, secret, recoveryCodes: confirmed.body.data.attributes.recovery_codes };
  }

  /** The code that an authenticator app shows at this moment of the instance's clock. */
  codeNow(secret: string): string {
    return generateSync({ secret, epoch: this.clock.seconds() });
  }
}

export interface SecondFactor {
  readonly enrollmentId: string;
  readonly secret: string;
  readonly recoveryCodes: string[];
}
