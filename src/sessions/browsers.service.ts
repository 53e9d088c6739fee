import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock, DAY_MILLISECONDS } from '../clock.js';
import type { Note } from '../events/audit-event.js';
import { AuditLog } from '../events/audit-log.js';
import { networkOf } from '../http/client-address.js';
import { Refusal } from '../refusal.js';
import { hashToken, looksLikeBrowserToken, mintBrowserToken } from '../secrets.js';
import { Attempts } from '../users/attempts.js';
import type { OwnMembership } from '../users/organizations.store.js';
import type { User } from '../users/user.entity.js';
import { Activity } from './activity.js';
import type { Browser } from './browser.entity.js';
import { BrowsersStore, type BrowserRows, type EndedSession, type FoundBrowser } from './browsers.store.js';
import type { OwnedSession } from './session.rows.js';
import type { EndStatus } from './sessions.store.js';
import { SessionsService } from './sessions.service.js';
import { BriefCaller, SignedInCaller, type BriefSession } from './signed-in.js';
import { SignInAttemptsStore, type SignInView } from './sign-in-attempts.store.js';

/** How long a browser is kept that nobody has signed in to. */
const UNUSED_MILLISECONDS = DAY_MILLISECONDS;
/** How long it is kept from a sign-in, or from the last session that was chosen in it, on. */
const USED_MILLISECONDS = 365 * DAY_MILLISECONDS;
/** New browsers that one address gets within 15 minutes: each leaves a row. */
const MOST_NEW_BROWSERS = 1_000;

/** A browser that showed its credential. */
export interface RecognisedBrowser extends FoundBrowser {
  /** With the credential, as it came. */
  readonly browser: Browser & { readonly token: string };
  /** The session that was asked for, whether the browser holds it or not; null for none. */
  readonly sought: string | null;
  readonly ip: string;
  /** What it holds, when it was recognised in order to be read. */
  readonly held?: BrowserRows;
}

/** Whoever is signed in to a browser, as far as it takes to show them what is theirs wherever it is. */
export interface BrowserUser {
  readonly caller: BriefCaller;
  readonly user: User;
  readonly memberships: readonly OwnMembership[];
}

/** What a browser holds, as it is shown to it. */
export interface BrowserContents extends Omit<BrowserRows, 'attempt'> {
  readonly signIn: SignInView | null;
  /** The session that was used last in it, while that is live. */
  readonly lastActiveSessionId: string | null;
}

/** Browsers that hold several sessions under one credential, which opens nothing else. */
@Injectable()
export class BrowsersService {
  constructor(
    private readonly store: BrowsersStore,
    private readonly signInAttempts: SignInAttemptsStore,
    private readonly sessions: SessionsService,
    private readonly activity: Activity,
    private readonly attempts: Attempts,
    private readonly clock: Clock,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Whose a credential is at this very moment, and the named one of its sessions: one SQL statement, nothing
   * remembered. Null for what is no browser's credential, or no more.
   * @param sessionId the session that is asked for, known or not; null for none
   * @param onlyToRead what the browser holds comes along in the same statement
   */
  async recognise(
    credential: string,
    sessionId: string | null,
    ip: string,
    onlyToRead = false,
  ): Promise<RecognisedBrowser | null> {
    if (!looksLikeBrowserToken(credential)) return null;
    const now = this.clock.now();
    const tokenHash = hashToken(credential);
    const found = onlyToRead
      ? await this.findToRead(tokenHash, sessionId, now)
      : await this.store.find(tokenHash, sessionId, now);
    if (found === null) return null;
    if (found.session !== null && isUsable(found.session, now)) this.activity.note(found.session, ip);
    return { ...found, browser: Object.assign(found.browser, { token: credential }), sought: sessionId, ip };
  }

  /**
   * Whoever is signed in, at this very moment, to the session that is asked for, or else to the one that was used last
   * in the browser: one SQL statement, which reads nothing else that the browser holds. Null where that is nobody.
   * @param sessionId as `recognise` takes it
   */
  async recogniseUser(credential: string, sessionId: string | null, ip: string): Promise<BrowserUser | null> {
    if (!looksLikeBrowserToken(credential)) return null;
    const now = this.clock.now();
    const found = await this.store.findUser(hashToken(credential), sessionId, now);
    if (found === null || !isUsable(found.session, now)) return null;
    this.activity.note(found.session, ip);
    const { user } = found.session;
    const caller = Object.assign(new BriefCaller(found.session, user, null, ip), { onlyReads: true });
    return { caller, user, memberships: found.memberships };
  }

  /**
   * A new browser, empty, for a day until somebody signs in.
   * @throws Refusal too_many_sign_ins when its address asked for too many; busy
   */
  async create(ip: string): Promise<RecognisedBrowser> {
    const token = mintBrowserToken();
    const now = this.clock.now();
    const limit = { key: `browsers from ${networkOf(ip)}`, most: MOST_NEW_BROWSERS, clearedBySuccess: false };
    const added: Browser[] = [];
    await this.attempts.guard([limit], 'too_many_sign_ins', async () => {
      const expiresAt = new Date(now.getTime() + UNUSED_MILLISECONDS);
      added.push(await this.store.insert(hashToken(token), now, expiresAt));
      return null; // so that it counts
    });
    return {
      browser: Object.assign(added[0]!, { token }),
      session: null,
      membership: null,
      sought: null,
      ip,
    };
  }

  /**
   * What a browser holds at this moment: one SQL statement, or none when it was recognised only to be read.
   * @throws Refusal unauthenticated when it is gone, or the credential is its no more
   */
  async contents({
    browser: { tokenHash, token },
    held,
  }: Pick<RecognisedBrowser, 'browser' | 'held'>): Promise<BrowserContents> {
    const now = this.clock.now();
    const found = held ?? (await this.store.contents(tokenHash, now));
    if (found === null) throw new Refusal('unauthenticated');
    const { attempt, ...rows } = found;
    const { lastActiveSessionId: last } = rows.browser;
    const isLive = rows.sessions.some((session) => session.id === last && session.isLive(now));
    return {
      ...rows,
      browser: Object.assign(rows.browser, { token }),
      signIn: attempt && (await this.signInAttempts.withUser(attempt)),
      lastActiveSessionId: isLive ? last : null,
    };
  }

  /** Whoever is signed in to the named session; null unless the browser holds it and it is live. */
  callerOf({ session, ip, held }: RecognisedBrowser): SignedInCaller | null {
    if (session === null || !isUsable(session, this.clock.now())) return null;
    const caller = new SignedInCaller(session, session.user, null, ip);
    return Object.assign(caller, { onlyReads: held !== undefined });
  }

  /** As `callerOf`. @throws Refusal unauthenticated where that is nobody */
  signedIn(recognised: RecognisedBrowser): SignedInCaller {
    const caller = this.callerOf(recognised);
    if (caller === null) throw new Refusal('unauthenticated');
    return caller;
  }

  /**
   * Whoever is signed in to the session that was asked for, or else to the one that was used last in the browser.
   * @throws Refusal unauthenticated when there is none, or it is not live
   */
  async currentCaller(recognised: RecognisedBrowser): Promise<SignedInCaller> {
    const { browser, sought, ip } = recognised;
    if (sought !== null) return this.signedIn(recognised);
    const found = await this.recognise(browser.token, browser.lastActiveSessionId, ip);
    if (found === null) throw new Refusal('unauthenticated');
    return this.signedIn(found);
  }

  /**
   * Makes a session the one that is used in its browser, and lets both live on from there.
   * @param organizationId what it acts for from now on: null for none, undefined for what it did before
   * @throws Refusal not_found, session_over; organization_unknown for one that its user is no member of;
   *   unauthenticated when the credential is not the browser's any more
   */
  async touch(recognised: RecognisedBrowser, organizationId: string | null | undefined): Promise<void> {
    const { session, user } = this.live(recognised);
    if (organizationId !== undefined && organizationId !== session.organizationId) {
      await this.sessions.actFor({ user }, session.id, organizationId);
    }
    const { id, tokenHash } = recognised.browser;
    const now = this.clock.now();
    const expiresAt = new Date(now.getTime() + USED_MILLISECONDS);
    const touched = await this.store.touch(id, tokenHash, { sessionId: session.id, now, expiresAt });
    if (!touched) throw new Refusal('unauthenticated');
  }

  /**
   * Ends the named session, which is `ended` or `removed` then.
   * @returns it as it is then
   * @throws Refusal not_found, session_over
   */
  async end(recognised: RecognisedBrowser, status: EndStatus): Promise<OwnedSession> {
    const caller = this.live(recognised);
    const { user } = caller;
    return Object.assign(await this.sessions.end(caller, caller.session.id, status), { user });
  }

  /**
   * Ends every session that the browser holds; it keeps its credential.
   * @throws Refusal unauthenticated when the credential is not the browser's any more
   */
  async removeAll({ browser, ip }: RecognisedBrowser): Promise<void> {
    await this.audit.accounted(async (manager, note) => {
      noteEnds(note, ip, await this.empty(manager, browser));
    });
  }

  /** Ends every session that the browser holds, and the browser with them. @throws Refusal as `removeAll` */
  async forget({ browser, ip }: RecognisedBrowser): Promise<void> {
    await this.audit.accounted(async (manager, note) => {
      noteEnds(note, ip, await this.empty(manager, browser));
      await this.store.delete(manager, browser.id);
    });
  }

  /**
   * Puts the outcome of a sign-in into the browser under a new credential: the old one is dead at once, so that
   * whoever planted or stole it before gains nothing by the sign-in (SECURITY.md 130). All of it or nothing.
   * @param then what else belongs to it, in the same transaction, with the browser as it is then
   * @param session what came of it, once it is live; earlier sessions of its user give way to it
   * @throws Refusal unauthenticated when the credential is not the browser's any more, or the session ended meanwhile
   */
  async signInto<T>(
    { browser, ip }: RecognisedBrowser,
    session: OwnedSession | null,
    then: (manager: EntityManager, browser: Browser) => Promise<T>,
  ): Promise<{ recognised: RecognisedBrowser; result: T }> {
    const token = mintBrowserToken();
    const now = this.clock.now();
    const { rotated, result } = await this.audit.accounted(async (manager, note) => {
      const rotated = await this.store.rotate(manager, {
        browserId: browser.id,
        oldTokenHash: browser.tokenHash,
        tokenHash: hashToken(token),
        now,
        expiresAt: session === null ? browser.expiresAt : new Date(now.getTime() + USED_MILLISECONDS),
        lastActiveSessionId: session?.id ?? null,
      });
      if (rotated === null) throw new Refusal('unauthenticated');
      const replaced = session === null ? [] : await this.store.adopt(manager, browser.id, session, now);
      if (replaced === null) throw new Refusal('unauthenticated');
      noteEnds(note, ip, replaced, session?.id);
      // Last: a row that refers to the session locks it, and sessions are locked in the order of their ids.
      const result = await then(manager, rotated);
      return { rotated, result };
    });
    const renewed = Object.assign(rotated, { token });
    return { recognised: { browser: renewed, session, membership: null, sought: null, ip }, result };
  }

  /** @throws Refusal not_found for what the browser does not hold, session_over for what ended in it */
  private live(recognised: RecognisedBrowser): SignedInCaller {
    const caller = this.callerOf(recognised);
    if (caller !== null) return caller;
    const { session } = recognised;
    const seen = session?.status === 'ended' || session?.status === 'active';
    throw new Refusal(seen ? 'session_over' : 'not_found');
  }

  private async findToRead(
    tokenHash: Buffer,
    sessionId: string | null,
    now: Date,
  ): Promise<(FoundBrowser & { held: BrowserRows }) | null> {
    const held = await this.store.contents(tokenHash, now);
    if (held === null) return null;
    const { browser, sessions, memberships } = held;
    const session = sessions.find(({ id }) => id === sessionId) ?? null;
    const own = session === null ? [] : (memberships.get(session.userId) ?? []);
    const membership = own.find(({ organizationId }) => organizationId === session?.organizationId) ?? null;
    return { browser, session, membership, held };
  }

  private async empty(manager: EntityManager, { id, tokenHash }: Browser): Promise<EndedSession[]> {
    const ended = await this.store.empty(manager, id, tokenHash, this.clock.now());
    if (ended === null) throw new Refusal('unauthenticated');
    return ended;
  }
}

/** Whether somebody may use it: it is live, and its user is not closed. */
function isUsable(session: BriefSession, now: Date): boolean {
  return session.isLive(now) && session.user.status === 'active';
}

/** @param actorSessionId what ended them, when they did not end themselves */
function noteEnds(note: Note, ip: string, ended: readonly EndedSession[], actorSessionId?: string): void {
  for (const { id: sessionId, userId } of ended) {
    const by = { by: userId, actorSessionId: actorSessionId ?? sessionId, ip };
    note({ action: 'session.end', userId, sessionId, ...by, outcome: 'ok' });
  }
}
