import { Injectable } from '@nestjs/common';
import { generateSync } from 'otplib';
import { OPERATOR } from '../caller.js';
import { Clock } from '../clock.js';
import { EnrollmentsService, type EnrollmentView } from '../otp/enrollments.service.js';
import { OtpService } from '../otp/otp.service.js';
import { Refusal } from '../refusal.js';
import { mintCode, mintPassword, mintToken } from '../secrets.js';
import type { Origin } from '../sessions/origin.js';
import type { Session } from '../sessions/session.entity.js';
import { SignedInCaller } from '../sessions/signed-in.js';
import { SignInsService, type SignInDraft } from '../sessions/sign-ins.service.js';
import { Attempts } from '../users/attempts.js';
import { emailKey } from '../users/email.js';
import { accountLimit } from '../users/password-check.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';

/** Somebody made up, whose password is known. */
export interface Person {
  readonly user: User;
  readonly password: string;
}

/** What a person is made with. */
export interface PersonDraft {
  readonly rights?: string[];
  /** Whether codes can go to them by SMS. */
  readonly phone?: boolean;
}

/** More than any account may be tried, by passwords or by codes. */
const MORE_TRIES_THAN_ANY_LIMIT = 1_000;

/** What is done to made-up people, by the services and under the rules that hold for all. */
@Injectable()
export class People {
  constructor(
    private readonly users: UsersService,
    private readonly signIns: SignInsService,
    private readonly enrollments: EnrollmentsService,
    private readonly otp: OtpService,
    private readonly attempts: Attempts,
    private readonly clock: Clock,
  ) {}

  /** Adds somebody new, under an address and a password that nobody else has. */
  async add({ rights = [], phone = false }: PersonDraft = {}): Promise<Person> {
    const password = mintPassword();
    const email = `qa-${mintToken().slice(0, 13)}@example.com`;
    const phoneNumber = phone ? `+1202${mintCode()}0` : null;
    return { user: await this.users.create(OPERATOR, { email, password, rights, phoneNumber }), password };
  }

  /** Signs somebody in by password; the session is pending when they have a second factor. */
  async signIn({ user, password }: Person, origin: Origin, draft: SignInDraft = {}): Promise<Session> {
    const session = await this.signIns.signIn(user.email, password, draft, origin);
    if (session === null) throw new Refusal('unauthenticated');
    return session;
  }

  /** Sets up an authenticator app in a session of theirs. @returns the secret and the recovery codes with it */
  async enableTwoFactor({ user, password }: Person, session: Session, ip: string): Promise<EnrollmentView> {
    const caller = new SignedInCaller(session, user, null, ip);
    const begun = await this.enrollments.enroll(caller, user.id, password);
    const code = generateSync({ secret: begun.secret!, epoch: this.clock.seconds() });
    return { ...begun, ...(await this.enrollments.confirm(caller, begun.enrollment.id, code)) };
  }

  /** Uses up the wrong passwords that an account may be tried by, from wherever they come. */
  lockPassword({ user }: Person): Promise<void> {
    const limit = accountLimit(emailKey(user.email)!);
    return useUp('too_many_sign_ins', () =>
      this.attempts.guard([limit], 'too_many_sign_ins', () => Promise.resolve(null)),
    );
  }

  /** Uses up the wrong codes that an account may be tried by. */
  lockCodes({ user }: Person): Promise<void> {
    return useUp('too_many_codes', () => this.otp.spend(user, 'no code', () => Promise.resolve()));
  }
}

/** Tries until no try is left. */
async function useUp(
  reason: 'too_many_sign_ins' | 'too_many_codes',
  attempt: () => Promise<unknown>,
): Promise<void> {
  for (let tries = 0; tries < MORE_TRIES_THAN_ANY_LIMIT; tries++) {
    try {
      await attempt();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.reason === reason) return;
      if (error.reason !== 'wrong_code') throw error;
    }
  }
  throw new Error(`${MORE_TRIES_THAN_ANY_LIMIT} tries, and none was too many`);
}
