import { answerProblems, sendRequest, type RawAnswer, type RawRequest } from './raw-client.js';
import { document, JSON_API, Latchkey, PASSWORD, type SignedInPerson } from './latchkey.js';
import { newestEventId } from './events.js';
import { addOrganization } from './organizations.js';
import { routesOf } from './routes.js';

/** A route below /api/v2 with everything right: ids that exist, and a document that it would take. */
export interface StagedRoute {
  /** As declared, e.g. `PATCH /api/v2/sessions/:id`. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly body: object | undefined;
}

/** A request to the letter, as whom (null for nobody), and to which instance. */
export interface StageRequest extends RawRequest {
  readonly token?: string | null;
  readonly base?: string;
}

/** A service with an administrator, so that nothing but the request itself can be what is refused. */
export class JsonApiStage {
  private constructor(
    readonly latchkey: Latchkey,
    readonly admin: SignedInPerson,
    readonly other: SignedInPerson,
    readonly routes: readonly StagedRoute[],
  ) {}

  static async set(): Promise<JsonApiStage> {
    const latchkey = await Latchkey.start();
    const admin = await latchkey.asAdmin();
    const other = await latchkey.asUser();
    const { sessionId } = await latchkey.signIn(admin);
    const enrolment = await latchkey.post(
      `/api/v2/users/${admin.id}/otp_enrollments`,
      admin.token,
      document('otp_enrollments', { password: PASSWORD }),
    );
    const enrollmentId: string = enrolment.body.data.id;
    const begun = await latchkey.post(
      `/api/v2/sessions/${sessionId}/verifications`,
      admin.token,
      document('verifications', { level: 'first_factor' }),
    );
    const { id: organizationId } = await addOrganization(latchkey);
    const idOf: Record<string, string> = {
      sessions: sessionId,
      users: other.id,
      otp_enrollments: enrollmentId,
      verifications: begun.body.data.id as string,
      organizations: organizationId,
      events: await newestEventId(latchkey),
    };
    const bodies = bodiesFor(admin);
    const routes = routesOf(latchkey.app)
      .filter(({ path }) => path.startsWith('/api/v2/'))
      .map(({ method, path }) => {
        const id = idOf[path.split('/')[3]!]!;
        const owner = path.endsWith('/otp_enrollments') ? admin.id : id;
        const name = `${method} ${path}`;
        return {
          name,
          method,
          path: path.replace(/:[a-z]+/, owner),
          body: method === 'PATCH' ? withId(bodies[name]!, owner) : bodies[name],
        };
      });
    return new JsonApiStage(latchkey, admin, other, routes);
  }

  stop(): Promise<void> {
    return this.latchkey.stop();
  }

  /**
   * Sends a request to the letter, as the administrator unless it has a token of its own (null for none).
   * @throws Error when the answer is a 500, of another content type, or no JSON:API document
   */
  async send(request: StageRequest): Promise<RawAnswer> {
    const { token = this.admin.token, base = this.latchkey.url, headers, ...rest } = request;
    const credential = token === null ? {} : { 'X-Auth-Token': token };
    const answer = await sendRequest(base, { ...rest, headers: { ...credential, ...headers } });
    const problems = answerProblems(answer, rest.path);
    if (problems.length > 0) {
      throw new Error(`${rest.method ?? 'GET'} ${rest.path.slice(0, 200)}: ${problems.join('; ')}`);
    }
    return answer;
  }

  /** Sends a document. */
  sendDocument(method: string, path: string, body: unknown, token?: string | null): Promise<RawAnswer> {
    const headers = { 'Content-Type': JSON_API };
    return this.send({
      method,
      path,
      headers,
      body: JSON.stringify(body),
      ...(token === undefined ? {} : { token }),
    });
  }

  /** Asks every route (that `where` keeps) one thing, and says how each one answered: `GET /api/v2/sessions: 400`. */
  async askAll(
    ask: (route: StagedRoute) => Partial<StageRequest>,
    where: (route: StagedRoute) => boolean = () => true,
    say: (answer: RawAnswer) => string = ({ status }) => String(status),
  ): Promise<string[]> {
    const said: string[] = [];
    for (const route of this.routes.filter(where)) {
      const { method, path, body } = route;
      const usual = body ? { body: JSON.stringify(body) } : {};
      const { headers, ...asked } = ask(route);
      const sent = { ...(body && { 'Content-Type': JSON_API }), ...headers };
      said.push(
        `${route.name}: ${say(await this.send({ method, path, ...usual, ...asked, headers: sent }))}`,
      );
    }
    return said;
  }

  /** Everything that is kept, but for what every request moves. */
  rows(): Promise<unknown[]> {
    return this.latchkey.sql(
      `SELECT 'sessions' AS kind, id, to_jsonb(s) - 'last_activity_at' - 'expires_at' - 'last_ip' AS row FROM sessions s
       UNION ALL SELECT 'users', id, to_jsonb(u) FROM users u
       UNION ALL SELECT 'otp_enrollments', id, to_jsonb(o) FROM otp_enrollments o ORDER BY 1, 2`,
    );
  }
}

function withId(body: { data?: object }, id: string): object {
  return { data: { ...body.data, id } };
}

function bodiesFor({ email }: SignedInPerson): Record<string, object> {
  const password = PASSWORD;
  const otp = '000000';
  return {
    'POST /api/v2/sessions': document('sessions', { email, password }),
    'PUT /api/v2/sessions/:id/validate_otp': document('sessions', { otp, password }),
    'PATCH /api/v2/sessions/:id': document('sessions', { name: 'renamed' }),
    'POST /api/v2/sessions/refresh': document('sessions', { refresh_token: 'none' }),
    'POST /api/v2/sessions/:id/verifications': document('verifications', { level: 'first_factor' }),
    'POST /api/v2/verifications/:id/codes': document('verifications', { strategy: 'email_code' }),
    'POST /api/v2/verifications/:id/attempts': document('verifications', { strategy: 'totp', code: otp }),
    'POST /api/v2/sessions/machine': document('sessions', { name: 'robot' }),
    'POST /api/v2/users': document('users', { email: 'new@example.com', password }),
    'PATCH /api/v2/users/:id': document('users', { first_name: 'Ada' }),
    'POST /api/v2/users/:id/otp_enrollments': document('otp_enrollments', { password }),
    'PUT /api/v2/otp_enrollments/:id/confirm': document('otp_enrollments', { otp }),
    'POST /api/v2/otp_enrollments/:id/recovery_codes': document('otp_enrollments', { password, otp }),
    'DELETE /api/v2/otp_enrollments/:id': document('otp_enrollments', { password, otp }),
  };
}
