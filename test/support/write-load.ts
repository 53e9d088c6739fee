import { expect } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateSync } from 'otplib';
import { resource, type Answer, type Client } from './client.js';
import { NEW_PASSWORD, PASSWORD, Told } from './told.js';

interface Someone {
  readonly id: string;
  readonly email: string;
}
interface Opened {
  readonly id: string;
  readonly token: string;
}

/** A write that was answered 503, or not at all: it may have happened or not. */
class Undecided extends Error {}

/**
 * Clients that write without a pause, in eight ways, and look around between, and keep account of what they were told. Whoever is about to be
 * signed out, shut or changed is a person of the act's own, so that nothing else explains what becomes of them.
 */
export class WriteLoad {
  /** Requests that were answered as wished. */
  acknowledged = 0;
  /** Requests of which nobody was told whether they happened. */
  undecided = 0;
  /** Answers that nothing excuses. */
  readonly wrong: string[] = [];
  private told = new Told();
  private people = 0;
  private turns = 0;
  private stopping = false;

  /** @param prefix of the addresses of the people it adds, one for each load of a database */
  constructor(
    private readonly admin: string,
    private readonly prefix: string,
  ) {}

  /** Writes with so many clients until `stop`, or until the server is gone. */
  async run(client: Client, workers: number): Promise<void> {
    this.stopping = false;
    await Promise.all(Array.from({ length: workers }, () => this.work(client)));
  }

  stop(): void {
    this.stopping = true;
  }

  /** Whether the server stands by all that it answered, and by whole acts only; then the account begins anew. */
  async expectKept(client: Client): Promise<void> {
    expect(this.wrong).toEqual([]);
    await this.told.expectKept(client);
    this.told = new Told();
  }

  private async work(client: Client): Promise<void> {
    const acts = [
      () => this.look(client),
      () => this.open(client),
      () => this.end(client),
      () => this.endOthers(client),
      () => this.changePassword(client),
      () => this.spendRecoveryCode(client),
      () => this.mint(client),
      () => this.renew(client),
      () => this.close(client),
    ];
    while (!this.stopping) {
      try {
        await acts[this.turns++ % acts.length]!();
      } catch (error) {
        if (!(error instanceof Undecided)) this.wrong.push(String(error));
        if (error instanceof Undecided && error.cause !== undefined) return; // the server is gone
        await sleep(100);
      }
    }
  }

  private async look(client: Client): Promise<void> {
    await this.send(client, 200, 'GET', '/api/v2/sessions/current', this.admin);
    await this.send(client, 200, 'GET', '/api/v2/sessions?page[size]=5', this.admin);
  }

  private async open(client: Client): Promise<void> {
    this.told.accepted.push((await this.signIn(client, await this.person(client))).token);
  }

  private async end(client: Client): Promise<void> {
    const { id, token } = await this.signIn(client, await this.person(client));
    await this.send(client, 204, 'DELETE', `/api/v2/sessions/${id}`, token);
    this.told.refused.push(token);
  }

  private async endOthers(client: Client): Promise<void> {
    const person = await this.person(client);
    const others: string[] = [];
    for (let n = 0; n < 3; n++) others.push((await this.signIn(client, person)).token);
    const { token } = await this.signIn(client, person);
    this.told.accepted.push(token);
    const revoked = this.send(client, 200, 'POST', '/api/v2/sessions/revoke', token);
    await orElse(revoked, () => this.told.together.push(others));
    this.told.refused.push(...others);
  }

  private async changePassword(client: Client): Promise<void> {
    const { id, email } = await this.person(client);
    const { token: elsewhere } = await this.signIn(client, { id, email });
    const { token } = await this.signIn(client, { id, email });
    const attributes = { password: NEW_PASSWORD, current_password: PASSWORD };
    this.told.accepted.push(token);
    const body = { data: { type: 'users', id, attributes } };
    const changed = this.send(client, 200, 'PATCH', `/api/v2/users/${id}`, token, body);
    await orElse(changed, () => this.told.changes.push({ email, elsewhere }));
    this.told.refused.push(elsewhere);
    this.told.passwords.push({ email, right: NEW_PASSWORD, wrong: PASSWORD });
  }

  private async spendRecoveryCode(client: Client): Promise<void> {
    const person = await this.person(client);
    const { token } = await this.signIn(client, person);
    const { email } = person;
    const path = `/api/v2/users/${person.id}/otp_enrollments`;
    const begin = resource('otp_enrollments', { password: PASSWORD });
    const { id, attributes } = (await this.send(client, 201, 'POST', path, token, begin)).body.data;
    const confirm = resource('otp_enrollments', { otp: generateSync({ secret: attributes.secret }) });
    const confirmed = await this.send(
      client,
      200,
      'PUT',
      `/api/v2/otp_enrollments/${id}/confirm`,
      token,
      confirm,
    );
    this.told.accepted.push(token);
    const [code] = confirmed.body.data.attributes.recovery_codes as string[];
    const pending = await this.signIn(client, person);
    const proof = resource('sessions', { password: PASSWORD, otp: code });
    const validation = `/api/v2/sessions/${pending.id}/validate_otp`;
    const spent = this.send(client, 200, 'PUT', validation, undefined, proof);
    const { body } = await orElse(spent, () => this.told.perhapsSpent.push({ email, code: code! }));
    this.told.accepted.push(body.data.attributes.token);
    this.told.spent.push({ email, code: code! });
  }

  private async mint(client: Client): Promise<void> {
    const { token } = await this.signIn(client, await this.person(client));
    const machine = resource('sessions', { name: 'deployment' });
    const { body } = await this.send(client, 201, 'POST', '/api/v2/sessions/machine', token, machine);
    this.told.accepted.push(token, body.data.attributes.token);
  }

  private async renew(client: Client): Promise<void> {
    const { email } = await this.person(client);
    const renewable = resource('sessions', { email, password: PASSWORD, refreshable: true });
    const { data, meta } = (await this.send(client, 201, 'POST', '/api/v2/sessions', undefined, renewable))
      .body;
    const renewal = resource('sessions', { refresh_token: meta.refresh_token });
    const path = '/api/v2/sessions/refresh';
    const renewed = await this.send(client, 200, 'POST', path, data.attributes.token, renewal);
    this.told.refused.push(data.attributes.token);
    this.told.accepted.push(renewed.body.data.attributes.token);
  }

  private async close(client: Client): Promise<void> {
    const person = await this.person(client);
    const tokens = [await this.signIn(client, person), await this.signIn(client, person)].map(
      ({ token }) => token,
    );
    const closed = this.send(client, 204, 'DELETE', `/api/v2/users/${person.id}`, this.admin);
    await orElse(closed, () => this.told.together.push(tokens));
    this.told.refused.push(...tokens);
  }

  private async person(client: Client): Promise<Someone> {
    const email = `${this.prefix}${++this.people}@example.com`;
    const user = resource('users', { email, password: PASSWORD });
    const { body } = await this.send(client, 201, 'POST', '/api/v2/users', this.admin, user);
    return { id: body.data.id, email };
  }

  private async signIn(client: Client, { email }: Someone): Promise<Opened> {
    const proof = resource('sessions', { email, password: PASSWORD });
    const { body } = await this.send(client, 201, 'POST', '/api/v2/sessions', undefined, proof);
    return { id: body.data.id, token: body.data.attributes.token };
  }

  /** @throws Undecided after a 503 of the API's own, or when the connection breaks; Error after any other answer */
  private async send(
    client: Client,
    status: number,
    method: string,
    path: string,
    token?: string,
    body?: object,
  ): Promise<Answer> {
    let answer: Answer;
    try {
      answer = await client.call(method, path, token, body);
    } catch (cause) {
      this.undecided++;
      throw new Undecided('no answer', { cause });
    }
    if (answer.status === status) {
      this.acknowledged++;
      return answer;
    }
    const told = `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`;
    const { 'retry-after': retryAfter } = answer.headers;
    if (answer.status !== 503 || answer.body.errors[0].code !== 'unavailable' || !(Number(retryAfter) > 0))
      throw new Error(told);
    this.undecided++;
    throw new Undecided(told);
  }
}

/** Notes a write of which nobody knows whether it happened. */
async function orElse<T>(write: Promise<T>, note: () => void): Promise<T> {
  return write.catch((error: unknown) => {
    note();
    throw error;
  });
}
