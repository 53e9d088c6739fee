import { describe, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { generateSync } from 'otplib';
import type { Face } from '../../src/config.js';
import { APIS } from '../support/apis.js';
import { document, Door, type Person, type SignedInPerson } from '../support/door.js';
import type { Extra, Target } from './target.js';

/** The deployment, as the set-up found it. */
const target = JSON.parse(process.env.LATCHKEY_ACCEPTANCE ?? '{}') as Target;

/** The APIs that it serves. */
export const SERVED = APIS.filter((api) => api === 'native' || target.faces.includes(api));

/** `describe` where the deployment serves that, and else a block that is skipped, and says why. */
export function describeServed(what: Face | Extra, name: string, promises: () => void): void {
  const isServed = [...target.faces, ...target.extras].includes(what);
  const reason = what === 'qa' ? 'QA_MODE is off' : what === 'docs' ? 'DOCS is off' : 'it is not in FACES';
  if (isServed) describe(name, promises);
  else describe.skip(`${name} (skipped: ${reason})`, promises);
}

/** A promise that can only be asked of a deployment that shows the codes it would have sent. */
export const itInQaMode: typeof it.skip = target.extras?.includes('qa') ? it : it.skip;

/** What an authenticator app was given. */
export interface App {
  readonly enrollmentId: string;
  readonly secret: string;
  readonly recoveryCodes: string[];
}

/** The deployment under test. Whom it is given are closed by `cleanUp`, and with them whatever is theirs. */
export class Deployment extends Door {
  readonly admin = target.admin;
  private readonly added: string[] = [];

  constructor() {
    super(target.url, null);
  }

  /** Adds somebody whom nobody else knows. */
  async addUser(): Promise<Person> {
    const email = `acceptance-${randomBytes(8).toString('hex')}@example.com`;
    const password = randomBytes(12).toString('hex');
    const { body } = await this.post(
      '/api/v2/users',
      this.admin.token,
      document('users', { email, password }),
    ).expect(201);
    this.added.push(body.data.id);
    return { id: body.data.id, email, password };
  }

  /** Adds somebody and signs them in. */
  async asUser(): Promise<SignedInPerson> {
    const person = await this.addUser();
    return { ...person, ...(await this.signIn(person)) };
  }

  /** Sets up an authenticator app by the code of the present moment; the next one is still to be spent. */
  async enableTwoFactor({ id, password, token }: SignedInPerson): Promise<App> {
    const start = document('otp_enrollments', { password });
    const begun = await this.post(`/api/v2/users/${id}/otp_enrollments`, token, start).expect(201);
    const { secret } = begun.body.data.attributes;
    const path = `/api/v2/otp_enrollments/${begun.body.data.id}/confirm`;
    const code = document('otp_enrollments', { otp: await this.code(secret) });
    const { body } = await this.put(path, token, code).expect(200);
    return { enrollmentId: body.data.id, secret, recoveryCodes: body.data.attributes.recovery_codes };
  }

  /** The code that an app shows so many steps of 30 seconds from now, by the deployment's own time. */
  async code(secret: string, stepsFromNow = 0): Promise<string> {
    return generateSync({ secret, epoch: (await this.seconds()) + 30 * stepsFromNow });
  }

  /** The code that was sent to an address last, for deployments in QA_MODE. */
  async sentCode({ email }: Pick<Person, 'email'>): Promise<string> {
    const { body } = await this.get(`/qa/outbox?kind=code&to=${email}`, null).expect(200);
    return body.messages[0].code;
  }

  /** The status of asking who one is: whether a credential is accepted. */
  async statusOf(token: string): Promise<number> {
    return (await this.get('/api/v2/sessions/current', token)).status;
  }

  /** Closes everybody who was added. */
  async cleanUp(): Promise<void> {
    for (const id of this.added) await this.delete(`/api/v2/users/${id}`, this.admin.token).expect(204);
  }

  private async seconds(): Promise<number> {
    if (!target.extras.includes('qa')) {
      const { headers } = await this.get('/health/live', null).expect(200);
      return Math.floor(Date.parse(String(headers.date)) / 1000);
    }
    const { body } = await this.get('/qa/clock', null).expect(200);
    return Math.floor(Date.parse(body.now) / 1000);
  }
}
