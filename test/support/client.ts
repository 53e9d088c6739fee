import { Agent, request, type IncomingHttpHeaders } from 'node:http';
import { generateSync } from 'otplib';

/** What came back, to the last byte. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Parsed; null for an empty body. */
  readonly body: ReturnType<typeof JSON.parse>;
}

const JSON_API = 'application/vnd.api+json';

/** Speaks to one server over connections that are kept open, and repeats nothing by itself. */
export class Client {
  private readonly agent: Agent;

  constructor(
    private readonly port: number,
    connections: number,
  ) {
    this.agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  get(path: string, token?: string): Promise<Answer> {
    return this.call('GET', path, token);
  }

  /** @throws Error when the connection is refused or breaks before the answer is whole */
  call(method: string, path: string, token?: string, body?: object): Promise<Answer> {
    const content = body === undefined ? '' : JSON.stringify(body);
    const headers = {
      Accept: JSON_API,
      ...(token === undefined ? {} : { 'X-Auth-Token': token }),
      ...(body === undefined
        ? {}
        : { 'Content-Type': JSON_API, 'Content-Length': Buffer.byteLength(content) }),
    };
    const { agent, port } = this;
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, method, path, headers, agent }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('error', reject).on('end', () => {
          const { statusCode: status = 0, headers } = answer;
          try {
            resolve({ status, headers, body: text === '' ? null : JSON.parse(text) });
          } catch {
            reject(new Error(`${status} with what is no JSON: ${text}`));
          }
        });
      });
      sent.on('error', reject).end(content);
    });
  }

  /** `POST /api/v2/sessions`. */
  signIn(email: string, password: string): Promise<Answer> {
    return this.call('POST', '/api/v2/sessions', undefined, resource('sessions', { email, password }));
  }

  /** Signs in. @throws Error unless that was answered 201 */
  async session(email: string, password: string): Promise<{ id: string; token: string }> {
    const { status, body } = await this.signIn(email, password);
    if (status !== 201) throw new Error(`sign-in was answered ${status}: ${JSON.stringify(body)}`);
    return { id: body.data.id, token: body.data.attributes.token };
  }

  /** The status of `GET /api/v2/sessions/current`: whether a credential is accepted. */
  async statusOf(token: string): Promise<number> {
    return (await this.get('/api/v2/sessions/current', token)).status;
  }

  /** Adds a user. @param token an administrator's @returns the id */
  async addUser(token: string, email: string, password: string): Promise<string> {
    const { status, body } = await this.call(
      'POST',
      '/api/v2/users',
      token,
      resource('users', { email, password }),
    );
    if (status !== 201) throw new Error(`the user was answered ${status}: ${JSON.stringify(body)}`);
    return body.data.id;
  }

  /** Turns two-factor authentication on. @returns the recovery codes */
  async enableTwoFactor(token: string, userId: string, password: string): Promise<string[]> {
    const path = `/api/v2/users/${userId}/otp_enrollments`;
    const begun = await this.call('POST', path, token, resource('otp_enrollments', { password }));
    const { id, attributes } = begun.body.data;
    const confirmation = resource('otp_enrollments', { otp: generateSync({ secret: attributes.secret }) });
    const confirmed = await this.call('PUT', `/api/v2/otp_enrollments/${id}/confirm`, token, confirmation);
    if (confirmed.status !== 200) throw new Error(`the code was answered ${confirmed.status}`);
    return confirmed.body.data.attributes.recovery_codes;
  }

  close(): void {
    this.agent.destroy();
  }
}

/** A request document. */
export function resource(type: string, attributes: object): object {
  return { data: { type, attributes } };
}
