import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../clock.js';
import { Refusal } from '../refusal.js';
import type { Browser } from './browser.entity.js';
import { BrowsersService, type RecognisedBrowser } from './browsers.service.js';
import type { Origin } from './origin.js';
import { NOBODY, SecondFactorsService } from './second-factors.service.js';
import type { OwnedSession } from './session.rows.js';
import type { SignInAttempt } from './sign-in-attempt.entity.js';
import { SignInAttemptsStore, type SignInView } from './sign-in-attempts.store.js';
import { SignInsService } from './sign-ins.service.js';
import { SignedInCaller } from './signed-in.js';
import { SessionsService } from './sessions.service.js';

const ATTEMPT_MILLISECONDS = 600_000;
/** Longer than any address, in characters. */
const LONGEST_IDENTIFIER = 1_000;

/** How far a sign-in came, and the browser that it is going on in: under a new credential after each proof. */
export interface SignInProgress extends SignInView {
  readonly recognised: RecognisedBrowser;
}

/** Signing in step by step from a browser: an identifier, the password, and the second factor of whoever has one. */
@Injectable()
export class SignInAttemptsService {
  constructor(
    private readonly store: SignInAttemptsStore,
    private readonly browsers: BrowsersService,
    private readonly signIns: SignInsService,
    private readonly secondFactors: SecondFactorsService,
    private readonly sessions: SessionsService,
    private readonly clock: Clock,
  ) {}

  /**
   * Begins with an identifier, known or not, and proves the password at once if it is there. A wrong one leaves
   * nothing behind.
   * @param recognised the browser, or null for one that has no credential yet
   * @throws Refusal too_long at `identifier`; wrong_password at `password`; user_closed; too_many_sign_ins; busy;
   *   unauthenticated when the credential is not the browser's any more
   */
  async begin(
    recognised: RecognisedBrowser | null,
    { identifier, password }: { identifier: string; password: string | undefined },
    origin: Origin,
  ): Promise<SignInProgress> {
    if (identifier.length > LONGEST_IDENTIFIER) throw new Refusal('too_long', { attribute: 'identifier' });
    const session = password === undefined ? null : await this.open(identifier, password, origin);
    return this.orUndo(session, async () => {
      const holder = recognised ?? (await this.browsers.create(origin.lastIp));
      if (session === null) {
        const attempt = await this.add(holder.browser, identifier, null);
        return { attempt, user: null, recognised: holder };
      }
      return this.enter(holder, session, (manager, browser) =>
        this.add(browser, identifier, session, manager),
      );
    });
  }

  /** @throws Refusal not_found for an unknown attempt and for another browser's */
  async read(recognised: RecognisedBrowser, id: string | null): Promise<SignInView> {
    return this.store.withUser(await this.find(recognised, id));
  }

  /**
   * Proves the password of the attempt's identifier.
   * @throws Refusal not_found; verification_over after 10 minutes; verification_out_of_order; and as `begin`
   */
  async provePassword(
    recognised: RecognisedBrowser,
    id: string | null,
    password: string,
    origin: Origin,
  ): Promise<SignInProgress> {
    const attempt = await this.find(recognised, id, 'needs_first_factor');
    const session = await this.open(attempt.identifier, password, origin);
    return this.orUndo(session, () => this.goOn(recognised, attempt, session));
  }

  /**
   * Proves the second factor by a code of the authenticator app or a recovery code.
   * @throws Refusal not_found; verification_over; verification_out_of_order; otp_window_passed; wrong_code;
   *   too_many_codes; unauthenticated when the credential is not the browser's any more
   */
  async proveSecondFactor(
    recognised: RecognisedBrowser,
    id: string | null,
    code: string,
  ): Promise<SignInProgress> {
    const attempt = await this.find(recognised, id, 'needs_second_factor');
    const pending = await this.store.sessionOf(attempt.sessionId ?? NOBODY);
    if (pending === null) throw new Refusal('verification_over');
    const caller = new SignedInCaller(pending, pending.user, null, recognised.ip);
    const { user } = pending;
    const session = Object.assign(await this.secondFactors.finish(caller, code), { user });
    return this.orUndo(session, () => this.goOn(recognised, attempt, session));
  }

  /** @throws Refusal not_found; with a status verification_over, verification_out_of_order */
  private async find(
    { browser }: RecognisedBrowser,
    id: string | null,
    status?: SignInAttempt['status'],
  ): Promise<SignInAttempt> {
    const attempt = id === null ? null : await this.store.find(browser.id, id);
    if (attempt === null) throw new Refusal('not_found');
    if (status !== undefined && attempt.expiresAt <= this.clock.now()) throw new Refusal('verification_over');
    if (status !== undefined && attempt.status !== status) throw new Refusal('verification_out_of_order');
    return attempt;
  }

  private async open(identifier: string, password: string, origin: Origin): Promise<OwnedSession> {
    const session = await this.signIns.signIn(identifier, password, {}, origin);
    if (session?.user === undefined) throw new Refusal('wrong_password', { attribute: 'password' });
    return Object.assign(session, { user: session.user });
  }

  private async add(
    { id, tokenHash }: Pick<Browser, 'id' | 'tokenHash'>,
    identifier: string,
    session: OwnedSession | null,
    manager?: EntityManager,
  ): Promise<SignInAttempt> {
    const now = this.clock.now();
    const expiresAt = new Date(now.getTime() + ATTEMPT_MILLISECONDS);
    const [status, sessionId] = [statusAfter(session), session?.id ?? null];
    const draft = { browserId: id, tokenHash, identifier, status, sessionId, now, expiresAt };
    const attempt = await this.store.replace(draft, manager);
    if (attempt === null) throw new Refusal('unauthenticated');
    return attempt;
  }

  private goOn(
    recognised: RecognisedBrowser,
    attempt: SignInAttempt,
    session: OwnedSession,
  ): Promise<SignInProgress> {
    const [from, to, now] = [attempt.status, statusAfter(session), this.clock.now()];
    return this.enter(recognised, session, async (manager) => {
      const taken = await this.store.advance(manager, attempt.id, { from, to, sessionId: session.id, now });
      if (!taken) throw new Refusal('verification_out_of_order');
      return { ...attempt, status: to, sessionId: session.id, updatedAt: now };
    });
  }

  /** After each proof the browser gets a new credential, and once the session is active, the session too. */
  private async enter(
    recognised: RecognisedBrowser,
    session: OwnedSession,
    write: (manager: EntityManager, browser: Browser) => Promise<SignInAttempt>,
  ): Promise<SignInProgress> {
    const active = session.status === 'active' ? session : null;
    const entered = await this.browsers.signInto(recognised, active, write);
    return { attempt: entered.result, user: session.user, recognised: entered.recognised };
  }

  /** A session that found no place in its browser is ended: nobody would ever hold its token. */
  private async orUndo<T>(session: OwnedSession | null, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (session !== null) {
        const caller = new SignedInCaller(session, session.user, null, session.lastIp ?? '');
        // What cannot be ended now has been ended by somebody else, or expires by itself.
        await this.sessions.end(caller, session.id).catch(() => undefined);
      }
      throw error;
    }
  }
}

/** What is still to be proved once a session came of it. */
function statusAfter(session: OwnedSession | null): SignInAttempt['status'] {
  if (session === null) return 'needs_first_factor';
  return session.status === 'active' ? 'complete' : 'needs_second_factor';
}
