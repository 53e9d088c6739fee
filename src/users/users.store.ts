import { Injectable } from '@nestjs/common';
import { DataSource, EntityManager, In, QueryFailedError } from 'typeorm';
import type { SessionMark } from '../caller.js';
import { prepared } from '../database/prepared.js';
import { Replica } from '../database/replica.js';
import { selectPage } from '../database/select-page.js';
import type { Columns } from '../database/where-of.js';
import type { Page, Slice } from '../page.js';
import { Refusal } from '../refusal.js';
import { User } from './user.entity.js';

const COLUMNS = `id, email, email_key AS "emailKey", first_name AS "firstName", last_name AS "lastName",
  avatar_url AS "avatarUrl", phone_number AS "phoneNumber", locale, time_zone AS "timeZone", status, rights,
  password_hash AS "passwordHash", credentials_version AS "credentialsVersion",
  two_factor_auth AS "twoFactorAuth", metadata, created_at AS "createdAt", updated_at AS "updatedAt"`;

const LISTED: Columns = {
  id: { sql: 'id', kind: 'integer', nullable: false },
  email: { sql: 'email', kind: 'text', nullable: false },
  firstName: { sql: 'first_name', kind: 'text', nullable: true },
  lastName: { sql: 'last_name', kind: 'text', nullable: true },
  phoneNumber: { sql: 'phone_number', kind: 'text', nullable: true },
  locale: { sql: 'locale', kind: 'text', nullable: true },
  timeZone: { sql: 'time_zone', kind: 'text', nullable: true },
  status: { sql: 'status', kind: 'text', nullable: false },
  twoFactorAuth: { sql: 'two_factor_auth', kind: 'boolean', nullable: false },
  createdAt: { sql: 'created_at', kind: 'instant', nullable: false },
  updatedAt: { sql: 'updated_at', kind: 'instant', nullable: false },
};

/** What a new row is made of; the rest has its default. */
type UserRow = Pick<User, 'email' | 'emailKey' | 'passwordHash' | 'rights' | 'createdAt'> & Partial<User>;

/** One of many new rows; it has no rights. */
export type PlainUserRow = Omit<UserRow, 'rights' | 'createdAt'>;

/** All SQL on `users`. Rows come back as plain data of the entity's shape. */
@Injectable()
export class UsersStore {
  constructor(
    private readonly database: DataSource,
    private readonly replica: Replica,
  ) {}

  /** One statement, known or unknown address alike. */
  async findByEmailKey(emailKey: string): Promise<User | null> {
    const rows = await prepared<User>(
      this.database,
      'user_by_email',
      `SELECT ${COLUMNS} FROM users WHERE email_key = $1`,
      [emailKey],
    );
    return rows[0] ?? null;
  }

  async find(id: string, runner: DataSource | EntityManager = this.database): Promise<User | null> {
    const rows = await prepared<User>(runner, 'user_by_id', `SELECT ${COLUMNS} FROM users WHERE id = $1`, [
      id,
    ]);
    return rows[0] ?? null;
  }

  /** Reads a user and keeps the row from changing until the transaction ends. */
  lock(manager: EntityManager, id: string): Promise<User | null> {
    return manager.findOne(User, { where: { id }, lock: { mode: 'pessimistic_write' } });
  }

  /** As `lock`, of several; in the order of their ids, as everywhere. */
  async lockAll(manager: EntityManager, ids: readonly string[]): Promise<Map<string, User>> {
    const lock = { mode: 'pessimistic_write' } as const;
    const users = await manager.find(User, { where: { id: In(ids) }, order: { id: 'ASC' }, lock });
    return new Map(users.map((user) => [user.id, user]));
  }

  /**
   * The ids of the active users who hold every right; they cannot lose it until the transaction ends.
   * @param others who are locked with them: before or after them, they would not be in the order of ids
   */
  async lockAdministrators(manager: EntityManager, others: readonly string[]): Promise<string[]> {
    const isAdministrator = `status = 'active' AND '*' = ANY (rights)`;
    const locked = await prepared<{ id: string; isAdministrator: boolean }>(
      manager,
      'users_lock_administrators',
      `SELECT id, ${isAdministrator} AS "isAdministrator" FROM users
       WHERE id = ANY (ARRAY(SELECT id FROM users WHERE ${isAdministrator} UNION ALL SELECT unnest($1::bigint[])))
       ORDER BY id FOR UPDATE`,
      [others],
    );
    return locked.filter((user) => user.isAdministrator).map(({ id }) => id);
  }

  /** Keeps anyone else from adding users until the transaction ends, and says whether there are none. */
  async lockWhileEmpty(manager: EntityManager): Promise<boolean> {
    await manager.query('LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE');
    const rows: unknown[] = await manager.query('SELECT 1 FROM users LIMIT 1');
    return rows.length === 0;
  }

  /** @throws Refusal taken, pointing at `email` */
  async insert(row: UserRow, manager: EntityManager): Promise<User> {
    return unlessTaken(() =>
      manager.save(User, manager.create(User, { ...row, updatedAt: row.createdAt }), { reload: true }),
    );
  }

  /**
   * Adds users in one statement, whole or not at all; those whose address is taken, be it by an earlier one of them,
   * are left out.
   * @returns the ids of the added ones
   */
  async insertMany(
    manager: EntityManager,
    rows: readonly PlainUserRow[],
    createdAt: Date,
  ): Promise<string[]> {
    const added = await prepared<{ id: string }>(
      manager,
      'users_insert_many',
      `INSERT INTO users (email, email_key, password_hash, first_name, last_name, avatar_url, phone_number, locale,
         time_zone, created_at, updated_at)
       SELECT *, $10::timestamptz, $10::timestamptz
       FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
         $9::text[])
       ON CONFLICT (email_key) DO NOTHING RETURNING id`,
      [
        rows.map((row) => row.email),
        rows.map((row) => row.emailKey),
        rows.map((row) => row.passwordHash),
        rows.map((row) => row.firstName),
        rows.map((row) => row.lastName),
        rows.map((row) => row.avatarUrl),
        rows.map((row) => row.phoneNumber),
        rows.map((row) => row.locale),
        rows.map((row) => row.timeZone),
        createdAt,
      ],
    );
    return added.map(({ id }) => id);
  }

  /** Writes what changed about a locked row. @throws Refusal taken, pointing at `email` */
  async update(manager: EntityManager, user: User, changes: Partial<User>): Promise<User> {
    return unlessTaken(() => manager.save(User, Object.assign(user, changes)));
  }

  /** Replaces a hash by a newer one of the same password, unless the password changed meanwhile. */
  async rehash(id: string, oldHash: string, newHash: string): Promise<void> {
    await this.database.manager.update(User, { id, passwordHash: oldHash }, { passwordHash: newHash });
  }

  /** Users that the page keeps; only the one given when there is one. @param mark of who asks, for the replica */
  list(page: Page, onlyId: string | null, mark: SessionMark | null): Promise<Slice<User>> {
    return this.replica.read(mark, (runner) =>
      selectPage<User>({
        runner,
        columns: LISTED,
        page,
        select: COLUMNS,
        from: 'users',
        where: onlyId === null ? 'true' : 'id = $1',
        values: onlyId === null ? [] : [onlyId],
      }),
    );
  }
}

async function unlessTaken<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const driverError =
      error instanceof QueryFailedError ? (error.driverError as { constraint?: string }) : null;
    if (driverError?.constraint === 'users_email_key_unique')
      throw new Refusal('taken', { attribute: 'email' });
    throw error;
  }
}
