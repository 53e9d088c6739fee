import { toId as toClerkId } from '../../src/faces/clerk/ids.js';
import { toLendixId } from '../../src/faces/lendix/translate.js';
import { toPortosId } from '../../src/faces/portos/translate.js';
import { mintJwt, mintMachine } from './access-table.js';
import { ClerkBrowser, ORIGIN } from './clerk-browser.js';
import type { CredentialStyle } from './fuzz-requests.js';
import { document, type Latchkey, type Person, type SignedInPerson } from './latchkey.js';
import { addOrganization } from './organizations.js';
import { addPhone, startVerification } from './step-up.js';
import { BACKEND_RIGHTS } from './zitadel.js';

/** Who sends requests that were made up, by what they may. */
export const UNPRIVILEGED = ['nobody', 'pending', 'read_only', 'jwt', 'user', 'careful'] as const;
export const PRIVILEGED = ['lesser_admin', 'backend', 'admin'] as const;
export type FuzzActorName = (typeof UNPRIVILEGED)[number] | (typeof PRIVILEGED)[number];

const RIGHTS: Partial<Record<FuzzActorName, string[]>> = {
  lesser_admin: ['user.read', 'session.read'],
  backend: BACKEND_RIGHTS,
  admin: ['*'],
};

/** Somebody who sends requests of every API: signed in to each, with something of each kind that has an id. */
export class FuzzActor {
  /** What marks such as `§own.email§` stand for. */
  private readonly own = new Map<string, string>();
  private person: Person | undefined;
  private secret: string | undefined;
  /** What may be over since it was looked at last. */
  private readonly worn = { session: true, browser: true };

  constructor(
    private readonly latchkey: Latchkey,
    readonly name: FuzzActorName,
    private readonly victim: ReadonlyMap<string, string>,
  ) {}

  /** Puts what this one has in the places of the marks. */
  fill(text: string): string {
    if (!text.includes('§')) return text;
    if (this.secret !== undefined) this.own.set('totp', this.latchkey.codeNow(this.secret));
    return text.replace(/§(own|victim)\.(\w+)§/g, (_, whose: string, what: string) => {
      return (whose === 'own' ? this.own : this.victim).get(what) ?? '0';
    });
  }

  /** What no refusal may repeat, were it sent or not. */
  get secrets(): string[] {
    const named = ['password', 'token', 'jwt', 'refreshToken', 'cookie', 'recoveryCode'];
    return named.flatMap((name) => this.own.get(name) ?? []);
  }

  /** The headers by which an API recognises this one. */
  headers(path: string, style: CredentialStyle): Record<string, string> {
    const token = this.own.get('token');
    if (style === 'none' || token === undefined) return { Origin: ORIGIN };
    const other = '01234567-89ab-cdef-0123-456789abcdef';
    if (path.startsWith('/clerk') && style !== 'basic') return this.cookies(style, other);
    const bare = token.replaceAll('-', '');
    const userId = toLendixId(this.own.get('userId') ?? '1');
    const lendix = { sessionToken: token.length === 36 ? bare : token, userId };
    switch (style) {
      case 'usual':
        return path.startsWith('/lendix') ? lendix : { Authorization: `Bearer ${token}` };
      case 'twice':
        return { ...lendix, 'X-Auth-Token': token, Authorization: `bearer ${token}` };
      case 'conflicting':
        return {
          ...lendix,
          userId: toLendixId('1'),
          'X-Auth-Token': other,
          Authorization: `Bearer ${token}`,
        };
      case 'garbled':
        return { ...lendix, sessionToken: `${bare}0`, 'X-Auth-Token': `${token.slice(0, -1)}\u00e9` };
      case 'basic':
        return { Authorization: `Basic ${Buffer.from(`a:${token}`).toString('base64')}` };
      case 'other':
        return { ...lendix, userId: toLendixId(this.victim.get('userId') ?? '2'), 'X-Auth-Token': other };
    }
  }

  /** Notes what an answer did to this one: a new cookie, or perhaps an end. */
  note({ status, headers }: { status: number; headers: Record<string, unknown> }, isUnsafe: boolean): void {
    for (const cookie of (headers['set-cookie'] ?? []) as string[]) {
      const [, value] = /^__client=([^;]+)/.exec(cookie) ?? [];
      if (value !== undefined) this.own.set('cookie', value);
    }
    if (isUnsafe && status < 300) this.worn.session = true;
  }

  /** Makes sure that this one is signed in, and below `/clerk` in a browser, too. */
  async refresh(path: string): Promise<void> {
    if (this.name === 'nobody') return;
    if (this.worn.session) {
      Object.assign(this.worn, { session: false, browser: true });
      if (!(await this.isSignedIn())) await this.signIn();
    }
    if (!this.worn.browser || !path.startsWith('/clerk')) return;
    this.worn.browser = false;
    const browser = Object.assign(new ClerkBrowser(this.latchkey), {
      cookie: this.own.get('cookie') ?? null,
    });
    const isOpen = (await browser.statusOf(this.own.get('clerkSessionId') ?? 'none')) === 200;
    if (!isOpen) await this.openBrowser();
  }

  private cookies(style: CredentialStyle, other: string): Record<string, string> {
    const cookie = `__client=${this.own.get('cookie') ?? other}`;
    switch (style) {
      case 'twice':
        return { Origin: ORIGIN, Cookie: `${cookie}; ${cookie}` };
      case 'conflicting':
        return { Origin: ORIGIN, Cookie: `${cookie}; __client=${other}`, Authorization: 'Bearer x' };
      case 'garbled':
        return { Origin: ORIGIN, Cookie: `${cookie}\u00e9` };
      case 'other':
        return { Origin: 'https://elsewhere.example.com', Cookie: cookie };
      default:
        return { Origin: ORIGIN, Cookie: cookie };
    }
  }

  private async isSignedIn(): Promise<boolean> {
    const { status, body } = await this.latchkey.get(
      '/api/v2/sessions/current',
      this.own.get('token') ?? null,
    );
    return this.name === 'pending' ? body.errors?.[0].code === 'otp_required' : status === 200;
  }

  /** As the same person, if that one still may; else as a new one. */
  private async signIn(): Promise<void> {
    if (this.person !== undefined && (await this.enter(this.person))) return;
    this.own.clear();
    this.secret = undefined;
    const person = await this.latchkey.addUser({ rights: RIGHTS[this.name] ?? [] });
    this.person = person;
    const { sessionId, token } = await this.latchkey.signIn(person);
    await this.equip({ ...person, sessionId, token });
    if (!(await this.enter(person))) throw new Error(`${this.name} cannot sign in`);
  }

  /** What stays when sessions end. */
  private async equip(person: SignedInPerson): Promise<void> {
    const { latchkey, own } = this;
    const { id: userId, email, password, token } = person;
    await addPhone(latchkey, person);
    const { id: organizationId } = await addOrganization(latchkey, [person]);
    for (const [name, value] of Object.entries({ userId, email, password, organizationId, eventId: '1' }))
      own.set(name, value);
    if (this.name === 'careful' || this.name === 'pending') {
      const { enrollmentId, recoveryCodes, secret } = await latchkey.enableTwoFactor(person);
      own.set('enrollmentId', enrollmentId).set('recoveryCode', recoveryCodes[0]!);
      this.secret = secret;
      return;
    }
    const path = `/api/v2/users/${userId}/otp_enrollments`;
    const { body } = await latchkey.post(path, token, document('otp_enrollments', { password })).expect(201);
    own.set('enrollmentId', body.data.id as string);
    this.secret = body.data.attributes.secret as string;
  }

  /** Opens two sessions, and what hangs on the first. @returns false when that is not possible any more */
  private async enter(person: Person): Promise<boolean> {
    const { latchkey, own } = this;
    const { email, password } = person;
    const proof = document('sessions', { email, password, refreshable: true });
    const opened = await latchkey.post('/api/v2/sessions', null, proof);
    if (opened.status !== 201) return false;
    const { id: sessionId, attributes } = opened.body.data as { id: string; attributes: { token: string } };
    const { sessionId: otherSessionId } = await latchkey.signIn(person);
    const ids = { sessionId, otherSessionId };
    const had = { ...ids, ...spellings(ids), refreshToken: opened.body.meta.refresh_token as string };
    for (const [name, value] of Object.entries(had)) own.set(name, value);
    own.set('token', this.name === 'careful' ? await this.prove(sessionId, password) : attributes.token);
    if (this.name === 'pending') return this.isSignedIn();
    if (!(await this.isSignedIn())) return false;
    await this.begin(sessionId, own.get('token')!);
    return true;
  }

  private async prove(sessionId: string, password: string): Promise<string> {
    this.latchkey.clock.move(30_000); // the code before this one may be spent
    const proof = document('sessions', { otp: this.latchkey.codeNow(this.secret!), password });
    const { body } = await this.latchkey.put(`/api/v2/sessions/${sessionId}/validate_otp`, null, proof);
    return (body.data?.attributes.token ?? '') as string;
  }

  private async begin(sessionId: string, token: string): Promise<void> {
    const { latchkey, own } = this;
    const started = await startVerification(latchkey, { sessionId, token }, { level: 'first_factor' });
    own.set('verificationId', started.body.data.id as string).set('jwt', await mintJwt(latchkey, token));
    if (this.name === 'read_only') own.set('token', await mintMachine(latchkey, token, true));
    if (this.name === 'jwt') own.set('token', own.get('jwt')!);
  }

  private async openBrowser(): Promise<void> {
    const { latchkey, own, secret } = this;
    const { email, password } = this.person!;
    const browser = new ClerkBrowser(latchkey);
    const begun = await browser.post('/client/sign_ins', { identifier: email, password });
    let { response } = begun.body;
    if (response?.status === 'needs_second_factor' && this.name !== 'pending') {
      latchkey.clock.move(30_000);
      const path = `/client/sign_ins/${response.id}/attempt_second_factor`;
      const form = { strategy: 'totp', code: latchkey.codeNow(secret!) };
      response = (await browser.post(path, form)).body.response;
    }
    const next = await browser.post('/client/sign_ins', { identifier: email });
    own.set('clerkSessionId', (response?.created_session_id ?? 'sess_1') as string);
    own.set('clerkSignInId', (next.body.response?.id ?? 'sia_1') as string);
    own.set('cookie', browser.cookie ?? 'none');
  }
}

/** Ids as the other APIs write them. */
export function spellings({
  sessionId,
  otherSessionId = sessionId,
}: Record<string, string>): Record<string, string> {
  return {
    lendixSessionId: toLendixId(sessionId!),
    portosSessionId: toPortosId(sessionId!),
    clerkOtherSessionId: toClerkId('session', otherSessionId!),
  };
}
