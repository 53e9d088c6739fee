import { expect } from '@jest/globals';
import { resource, type Client } from './client.js';

/** What everybody begins with, and what they change it to. */
export const PASSWORD = 'correct horse battery';
export const NEW_PASSWORD = 'another battery staple';

interface Code {
  readonly email: string;
  readonly code: string;
}

/** What clients were told, and what follows from it for good. */
export class Told {
  /** Tokens that must be accepted. */
  readonly accepted: string[] = [];
  /** Tokens that must be refused. */
  readonly refused: string[] = [];
  /** Tokens of which one undecided act ended all or none. */
  readonly together: string[][] = [];
  readonly passwords: { email: string; right: string; wrong: string }[] = [];
  /** Changes of a password that are undecided, each beside the token of a session that it would have ended. */
  readonly changes: { email: string; elsewhere: string }[] = [];
  /** Recovery codes that passed, and such as nobody knows of. */
  readonly spent: Code[] = [];
  readonly perhapsSpent: Code[] = [];

  /** Whether a server stands by all of it. */
  async expectKept(client: Client): Promise<void> {
    const statuses = (tokens: readonly string[]) =>
      Promise.all(tokens.map(async (token) => [await client.statusOf(token), token]));
    expect((await statuses(this.accepted)).filter(([status]) => status !== 200)).toEqual([]);
    expect((await statuses(this.refused)).filter(([status]) => status !== 401)).toEqual([]);
    for (const tokens of this.together) {
      expect(new Set((await statuses(tokens)).map(([status]) => status)).size).toBe(1);
    }
    await this.expectPasswords(client);
    for (const code of this.spent) expect(await spend(client, code)).toBe(422);
    for (const code of this.perhapsSpent) {
      await spend(client, code); // counted or not: whichever, not a second time from here on
      expect(await spend(client, code)).toBe(422);
    }
  }

  private async expectPasswords(client: Client): Promise<void> {
    const status = async (email: string, password: string) => (await client.signIn(email, password)).status;
    for (const { email, right, wrong } of this.passwords) {
      expect([email, await status(email, wrong), await status(email, right)]).toEqual([email, 401, 201]);
    }
    for (const { email, elsewhere } of this.changes) {
      const changed = (await status(email, NEW_PASSWORD)) === 201;
      expect(await client.statusOf(elsewhere)).toBe(changed ? 401 : 200);
      expect(await status(email, PASSWORD)).toBe(changed ? 401 : 201);
    }
  }
}

/** The status of spending a recovery code on a new session. */
async function spend(client: Client, { email, code }: Code): Promise<number> {
  const { id } = await client.session(email, PASSWORD);
  const proof = resource('sessions', { password: PASSWORD, otp: code });
  return (await client.call('PUT', `/api/v2/sessions/${id}/validate_otp`, undefined, proof)).status;
}
