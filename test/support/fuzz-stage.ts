import { OPERATOR } from '../../src/caller.js';
import { JwtTemplatesService } from '../../src/keys/jwt-templates.service.js';
import { SchemaCheck, type Described } from '../openapi/described.js';
import { mintMachine } from './access-table.js';
import { ClerkBrowser, ORIGIN } from './clerk-browser.js';
import { FuzzActor, spellings, type FuzzActorName } from './fuzz-actors.js';
import { describedFaults, faultsOf, type DescribedAnswers } from './fuzz-judge.js';
import { requestsOf, type FuzzRequest, type FuzzRoute } from './fuzz-requests.js';
import { describedRoute } from './fuzz-routes.js';
import { document, Latchkey } from './latchkey.js';
import { addOrganization } from './organizations.js';
import { sendRequest, type RawAnswer } from './raw-client.js';
import { routesOf } from './routes.js';
import { forgetAttempts } from './second-factor.js';
import { addPhone, startMailboxes, startVerification, type Mailboxes } from './step-up.js';

/** What is in everything that is the victim's and that nobody else knows. */
const SENTINEL = 'Zephyrine';
const VICTIMS_PASSWORD = `${SENTINEL} and her goat`;
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** A service with somebody in it whom nobody may touch, and others who send whatever was made up. */
export class FuzzStage {
  /** How often each route answered what. */
  readonly answers = new Map<string, Map<number, number>>();

  private constructor(
    readonly latchkey: Latchkey,
    readonly routes: readonly FuzzRoute[],
    private readonly described: Described,
    private readonly check: SchemaCheck,
    private readonly mailboxes: Mailboxes,
    private readonly victim: ReadonlyMap<string, string>,
    private readonly actors: readonly FuzzActor[],
  ) {}

  /** @param settings environment keys beside those of the stage */
  static async set(
    names: readonly FuzzActorName[],
    settings: Record<string, string> = {},
  ): Promise<FuzzStage> {
    const mailboxes = await startMailboxes();
    const latchkey = await Latchkey.start({
      ...mailboxes.settings,
      ALLOWED_ORIGINS: ORIGIN,
      TRUST_PROXY: 'loopback',
      PASSWORD_QUEUE: '10000', // so that nothing can be too busy
      ...settings,
    });
    const templates = latchkey.app.get(JwtTemplatesService, { strict: false });
    await templates.put(OPERATOR, {
      name: 'app',
      claims: { mail: '{{user.primary_email_address}}' },
      lifetimeSeconds: 60,
    });
    const victim = await victimOf(latchkey);
    const described = (await latchkey.get('/openapi.json', null).set('Accept', '*/*')).body as Described;
    const routes = routesOf(latchkey.app).map((route) => describedRoute(route, described));
    const actors = names.map((name) => new FuzzActor(latchkey, name, victim));
    for (const actor of actors) await actor.refresh('/clerk');
    return new FuzzStage(latchkey, routes, described, new SchemaCheck(described), mailboxes, victim, actors);
  }

  async stop(): Promise<void> {
    await this.latchkey.stop();
    await this.mailboxes.stop();
  }

  /** Sends so many requests of a route, dealt out to all actors. @returns everything that was wrong, each with its request */
  async fuzz(name: string, count: number, seed: number): Promise<string[]> {
    const route = this.routes.find((one) => one.name === name)!;
    const requests = requestsOf(route, count, seed);
    const { actors } = this;
    const found = await Promise.all(
      actors.map(async (actor, lane) => {
        const faults: string[] = [];
        for (let index = lane; index < requests.length && faults.length < 5; index += actors.length) {
          if (index % 200 < actors.length) await forgetAttempts(this.latchkey);
          faults.push(...(await this.send(actor, route, requests[index]!)));
        }
        return faults;
      }),
    );
    return found.flat();
  }

  /** Everything that is the victim's, or that takes a right to change; but for what every request moves. */
  async untouchable(): Promise<unknown[]> {
    const [id, everyoneElse] = [this.victim.get('userId'), 'rights, status, metadata'];
    return this.latchkey.sql(
      `SELECT 'user' AS kind, to_jsonb(u) AS row FROM users u WHERE id = $1
       UNION ALL SELECT 'session', to_jsonb(s) - 'last_activity_at' - 'expires_at' - 'last_ip'
         FROM sessions s WHERE user_id = $1
       UNION ALL SELECT 'factor', to_jsonb(o) FROM otp_enrollments o WHERE user_id = $1
       UNION ALL SELECT 'verification', to_jsonb(v) FROM verifications v JOIN sessions s ON s.id = v.session_id
         WHERE s.user_id = $1
       UNION ALL SELECT 'browser', to_jsonb(b) FROM browsers b JOIN sessions s ON s.browser_id = b.id WHERE s.user_id = $1
       UNION ALL SELECT 'membership', to_jsonb(m) FROM memberships m WHERE user_id = $1
       UNION ALL SELECT 'key', to_jsonb(k) FROM signing_keys k
       UNION ALL SELECT 'template', to_jsonb(t) FROM jwt_templates t
       UNION ALL SELECT DISTINCT 'rights', to_jsonb(e) FROM (SELECT ${everyoneElse} FROM users WHERE id <> $1) e
       ORDER BY 1, 2`,
      [id],
    );
  }

  private async send(actor: FuzzActor, route: FuzzRoute, request: FuzzRequest): Promise<string[]> {
    await actor.refresh(route.path);
    const { method, routed } = request;
    const path = actor.fill(request.path);
    const given = Object.entries(request.headers).map(([name, value]) => [name, actor.fill(value)]);
    const headers = { ...actor.headers(path, request.credential), ...Object.fromEntries(given) } as Record<
      string,
      string
    >;
    const body = request.body && withMarks(request.body, (text) => actor.fill(text));
    const secrets = actor.secrets;
    const answer = await sendRequest(this.latchkey.url, {
      method,
      path,
      headers,
      ...(body && { body }),
    }).catch((error: Error) => error);
    const faults =
      answer instanceof Error
        ? [`no answer: ${answer.message}`]
        : this.judge(answer, route, request, path, secrets);
    if (!(answer instanceof Error) && routed) this.count(route.name, answer.status);
    if (!(answer instanceof Error)) actor.note(answer, !SAFE.has(method) || !routed);
    const said = answer instanceof Error ? '' : `${answer.status} ${answer.text.slice(0, 500)}`;
    const asked = `${actor.name}: ${method} ${path} ${JSON.stringify(headers)} ${body?.toString().slice(0, 1_000) ?? ''}`;
    return faults.length === 0 ? [] : [`${faults.join('; ')}\n  ${asked}\n  ${said}`];
  }

  private count(route: string, status: number): void {
    const counts = this.answers.get(route) ?? new Map<number, number>();
    this.answers.set(route, counts.set(status, (counts.get(status) ?? 0) + 1));
  }

  private judge(
    answer: RawAnswer,
    { name, method }: FuzzRoute,
    request: FuzzRequest,
    path: string,
    secrets: readonly string[],
  ): string[] {
    const faults = faultsOf(answer, path, request.method === 'HEAD');
    const shown = JSON.stringify(answer.headers) + answer.text;
    const isPrivileged = this.actors.some((actor) => actor.name === 'admin');
    if (!isPrivileged && shown.includes(SENTINEL)) faults.push('shows what is the victim’s');
    // The name of a field that is unknown is repeated, whatever it is.
    const namesField = /"parameter":"(fields\[|sort|include)/.test(answer.text);
    if (answer.status >= 400 && !namesField && secrets.some((secret) => shown.includes(secret)))
      faults.push('repeats a secret');
    const key = name.split(' ')[1]!.replace(/:(\w+)/g, '{$1}');
    const described = this.described.paths[key]?.[method.toLowerCase()] as DescribedAnswers | undefined;
    if (request.routed && described !== undefined)
      faults.push(...describedFaults(answer, described, this.check));
    return faults;
  }
}

/** A mark stands for text; what is no text has none. */
function withMarks(bytes: Buffer, fill: (text: string) => string): Buffer {
  const text = bytes.toString('utf8');
  if (!text.includes('§') || !Buffer.from(text).equals(bytes)) return bytes;
  return Buffer.from(fill(text));
}

/** Somebody with something of every kind, whose password only they know. @returns the ids by their marks */
async function victimOf(latchkey: Latchkey): Promise<ReadonlyMap<string, string>> {
  const user = await latchkey.addUser({ password: VICTIMS_PASSWORD });
  const person = { ...user, ...(await latchkey.signIn(user)) };
  await addPhone(latchkey, person);
  const name = { first_name: SENTINEL, last_name: SENTINEL, avatar_url: `https://example.com/${SENTINEL}` };
  const profile = document('users', name, { id: person.id });
  await latchkey.patch(`/api/v2/users/${person.id}`, person.token, profile).expect(200);
  const secret = { name: SENTINEL, note: SENTINEL, metadata: { [SENTINEL]: SENTINEL } };
  const session = document('sessions', secret, { id: person.sessionId });
  await latchkey.patch(`/api/v2/sessions/${person.sessionId}`, person.token, session).expect(200);
  await mintMachine(latchkey, person.token, false);
  const { id: organizationId } = await addOrganization(latchkey, [person], { name: SENTINEL });
  const clerkSessionId = await new ClerkBrowser(latchkey).signIn(person);
  const { enrollmentId } = await latchkey.enableTwoFactor(person);
  const begun = await startVerification(latchkey, person, { level: 'second_factor' }).expect(201);
  const native = { userId: person.id, organizationId, sessionId: person.sessionId };
  return new Map(
    Object.entries({
      ...native,
      ...spellings(native),
      email: person.email,
      enrollmentId,
      verificationId: begun.body.data.id as string,
      clerkSessionId,
    }),
  );
}
