import { Injectable } from '@nestjs/common';
import { OPERATOR } from '../caller.js';
import { Clock } from '../clock.js';
import { done } from '../events/audit-event.js';
import { AuditLog } from '../events/audit-log.js';
import { readAttributes } from '../json-api/document.js';
import { Refusal, type Problem } from '../refusal.js';
import { Passwords } from '../secrets.js';
import { emailKey } from './email.js';
import { readPasswordHash } from './password-hash.js';
import { ImportedUser } from './user.attributes.js';
import { userResource } from './user.resource.js';
import { UsersStore, type PlainUserRow } from './users.store.js';

/** What a line of an import may hold, under the names of the API's attributes. */
export const IMPORTED_ATTRIBUTES = [
  'email',
  'password_hash',
  'first_name',
  'last_name',
  'locale',
  'time_zone',
  'phone_number',
  'avatar_url',
] as const;

/** One line of an import; without attributes when it could not be read. */
export interface ImportLine {
  readonly number: number;
  readonly attributes: Readonly<Record<string, unknown>> | null;
}

export interface RefusedLine {
  readonly number: number;
  readonly problems: readonly Problem[];
}

interface ImportedBatch {
  readonly added: number;
  /** Lines whose address belongs to a user already, be it of an earlier line; that user is left as it is. */
  readonly alreadyThere: number;
  readonly refused: readonly RefusedLine[];
}

/** Takes over users, with their passwords as bcrypt hashes, from some other system. */
@Injectable()
export class UserImport {
  constructor(
    private readonly store: UsersStore,
    private readonly passwords: Passwords,
    private readonly clock: Clock,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Adds the users of so many lines in one statement, so that a batch is there as a whole or not at all. Lines that
   * cannot be taken are named with what is wrong about them and keep back nobody else.
   */
  async add(lines: readonly ImportLine[]): Promise<ImportedBatch> {
    const rows: PlainUserRow[] = [];
    const refused: RefusedLine[] = [];
    for (const line of lines) {
      try {
        rows.push(this.read(line));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        refused.push({ number: line.number, problems: error.problems });
      }
    }
    const ids = rows.length === 0 ? [] : await this.insert(rows);
    return { added: ids.length, alreadyThere: rows.length - ids.length, refused };
  }

  private insert(rows: readonly PlainUserRow[]): Promise<string[]> {
    return this.audit.accounted(async (manager, note) => {
      const ids = await this.store.insertMany(manager, rows, this.clock.now());
      for (const userId of ids) note(done('user.import', OPERATOR, { userId }));
      return ids;
    });
  }

  private read({ attributes }: ImportLine): PlainUserRow {
    if (attributes === null) throw new Refusal('invalid_document', { detail: 'The line is no record' });
    const unknown = Object.keys(attributes).some(
      (name) => !KNOWN.has(name) && !Object.hasOwn(userResource.attributes, name),
    );
    // Not named: where the header is missing, names are somebody's data.
    if (unknown) throw new Refusal('not_settable', { detail: 'An attribute is not known' });
    const sent = readAttributes(ImportedUser, { attributes, relationships: {} }, userResource);
    return {
      email: sent.email.normalize('NFC'),
      emailKey: emailKey(sent.email) as string, // the rule of `email` has seen to it
      passwordHash: this.readHash(sent.password_hash ?? null),
      firstName: sent.first_name ?? null,
      lastName: sent.last_name ?? null,
      avatarUrl: sent.avatar_url ?? null,
      phoneNumber: sent.phone_number ?? null,
      locale: sent.locale ?? null,
      timeZone: sent.time_zone ?? null,
    };
  }

  /** A dearer hash than today's would take longer to check, and so tell by its time who exists. */
  private readHash(raw: string | null): string | null {
    const read = raw === null ? null : readPasswordHash(raw);
    if (read !== null && read.cost > this.passwords.cost) {
      const detail = `The cost of the password_hash is above BCRYPT_COST, ${this.passwords.cost}`;
      throw new Refusal('invalid', { attribute: 'password_hash', detail });
    }
    return read?.hash ?? null;
  }
}

const KNOWN: ReadonlySet<string> = new Set(IMPORTED_ATTRIBUTES);
