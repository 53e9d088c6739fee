import { Injectable } from '@nestjs/common';
import { OPERATOR } from '../caller.js';
import { Config } from '../config.js';
import { MachineTokensService } from '../machine-tokens/machine-tokens.service.js';
import type { EnrollmentView } from '../otp/enrollments.service.js';
import { mintToken } from '../secrets.js';
import type { Origin } from '../sessions/origin.js';
import type { Session } from '../sessions/session.entity.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { SignedInCaller } from '../sessions/signed-in.js';
import type { Organization } from '../users/organization.entity.js';
import { OrganizationsService } from '../users/organizations.service.js';
import { UsersService } from '../users/users.service.js';
import { People, type Person, type PersonDraft } from './people.js';
import { QaClock } from './qa-clock.js';

/** Every named state, and what it is. */
export const FIXTURES = {
  user: 'A user without a second factor, who never signed in.',
  signed_in_user: 'The same, signed in.',
  admin: 'Somebody signed in who holds every right.',
  backend: "An application's account, signed in: it may open, see and end others' sessions.",
  user_with_phone: 'Somebody signed in whom codes can also reach by SMS.',
  user_with_2fa: 'Somebody signed in with an authenticator app and five recovery codes, none of them used.',
  user_pending_otp: 'Somebody with an authenticator app, whose session still owes its code.',
  user_with_missed_otp: 'The same, but the time for the code is over.',
  user_with_stale_session: 'Somebody signed in two hours ago: what is delicate asks for a new proof.',
  user_with_expired_session: 'Somebody whose session ran out unused.',
  user_with_revoked_session: 'Somebody whose session was revoked.',
  user_with_many_sessions: 'Somebody signed in on five devices; the session is the latest.',
  organization_member: 'Somebody signed in who belongs to an organisation.',
  machine_token: 'A machine token; the session is its own.',
  read_only_token: 'A machine token that reads only.',
  closed_user: 'Somebody who was closed, with the password that was right before.',
  locked_user: 'Somebody whose password was tried wrongly too often.',
  code_locked_user:
    'Somebody with an authenticator app whose codes were tried wrongly too often, signed in before.',
} as const;

export type FixtureName = keyof typeof FIXTURES;

/** Somebody in a named state. */
export interface Fixture extends Person {
  readonly session?: Session;
  readonly secondFactor?: EnrollmentView;
  readonly organization?: Organization;
}

const BACKEND_RIGHTS = ['session.read', 'session.write', 'session.delete', 'user.read'];
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

/** Makes somebody in a named state, by the rules that hold for all: nothing is written past the services. */
@Injectable()
export class FixturesService {
  constructor(
    private readonly people: People,
    private readonly users: UsersService,
    private readonly organizations: OrganizationsService,
    private readonly sessions: SessionsService,
    private readonly machineTokens: MachineTokensService,
    private readonly clock: QaClock,
    private readonly config: Config,
  ) {}

  /** @param origin where their sessions come from @throws Refusal busy */
  make(name: FixtureName, origin: Origin): Promise<Fixture> {
    return this.makers[name](origin);
  }

  private readonly makers: Readonly<Record<FixtureName, (origin: Origin) => Promise<Fixture>>> = {
    user: () => this.people.add(),
    signed_in_user: (origin) => this.signedIn(origin),
    admin: (origin) => this.signedIn(origin, { rights: ['*'] }),
    backend: (origin) => this.signedIn(origin, { rights: BACKEND_RIGHTS }),
    user_with_phone: (origin) => this.signedIn(origin, { phone: true }),
    user_with_2fa: (origin) => this.careful(origin),
    user_pending_otp: (origin) => this.pending(origin),
    user_with_missed_otp: (origin) => {
      const window = this.config.get('OTP_WINDOW_SECONDS') * SECOND;
      return this.clock.at(this.ago(window + SECOND), () => this.pending(origin));
    },
    user_with_stale_session: (origin) => this.clock.at(this.ago(2 * HOUR), () => this.signedIn(origin)),
    user_with_expired_session: (origin) => {
      const life = this.config.get('SESSION_DAYS') * DAY;
      return this.clock.at(this.ago(life + SECOND), () => this.signedIn(origin));
    },
    user_with_revoked_session: async (origin) => {
      const made = await this.signedIn(origin);
      await this.sessions.end(callerOf(made, origin.lastIp), made.session.id, 'revoked');
      return made;
    },
    user_with_many_sessions: async (origin) => {
      const person = await this.people.add();
      for (const deviceName of ['Phone', 'Tablet', 'Laptop', 'Till']) {
        await this.people.signIn(person, origin, { deviceName });
      }
      return { ...person, session: await this.people.signIn(person, origin, { deviceName: 'Desktop' }) };
    },
    organization_member: async (origin) => {
      const made = await this.signedIn(origin);
      const slug = `qa-${mintToken().slice(0, 13)}`;
      const draft = { name: 'QA', slug, metadata: {} };
      const organization = await this.organizations.create(OPERATOR, draft);
      await this.organizations.putMember(OPERATOR, organization.id, made.user.id, 'member');
      return { ...made, organization };
    },
    machine_token: () => this.machine(false),
    read_only_token: () => this.machine(true),
    closed_user: async () => {
      const person = await this.people.add();
      await this.users.close(OPERATOR, person.user.id);
      return person;
    },
    locked_user: async () => {
      const person = await this.people.add();
      await this.people.lockPassword(person);
      return person;
    },
    code_locked_user: async (origin) => {
      const made = await this.careful(origin);
      await this.people.lockCodes(made);
      return made;
    },
  };

  private ago(milliseconds: number): Date {
    return new Date(this.clock.milliseconds() - milliseconds);
  }

  private async signedIn(origin: Origin, draft?: PersonDraft): Promise<Fixture & { session: Session }> {
    const person = await this.people.add(draft);
    return { ...person, session: await this.people.signIn(person, origin) };
  }

  /** The app was set up a minute ago, so that the code that it shows now is an unspent one. */
  private careful(origin: Origin): Promise<Fixture> {
    return this.clock.at(this.ago(60 * SECOND), async () => {
      const made = await this.signedIn(origin);
      const secondFactor = await this.people.enableTwoFactor(made, made.session, origin.lastIp);
      return { ...made, secondFactor };
    });
  }

  private async pending(origin: Origin): Promise<Fixture> {
    const made = await this.careful(origin);
    return { ...made, session: await this.people.signIn(made, origin) };
  }

  private async machine(readOnly: boolean): Promise<Fixture> {
    const person = await this.people.add();
    const draft = { name: 'QA', note: null, readOnly, expiresAt: null };
    return { ...person, session: await this.machineTokens.mintFor(person.user, draft) };
  }
}

function callerOf({ session, user }: Fixture & { session: Session }, ip: string): SignedInCaller {
  return new SignedInCaller(session, user, null, ip);
}
