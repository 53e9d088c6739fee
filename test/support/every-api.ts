import { expect } from '@jest/globals';
import { sendRequest, type RawAnswer, type RawRequest } from './raw-client.js';
import type { ServerProcess } from './server-process.js';

/** One request of each API that PostgreSQL is needed for, and what each says while it cannot be answered. */
export class EveryApi {
  private readonly requests: readonly { request: RawRequest; unavailable: object }[];

  private constructor(
    private readonly url: string,
    token: string,
    userId: string,
    browser: string,
  ) {
    const bearer = { Authorization: `Bearer ${token}` };
    const lendix = { sessionToken: token.replaceAll('-', ''), userId: lendixId(userId) };
    const json = { 'Content-Type': 'application/json' };
    this.requests = [
      {
        request: { path: '/api/v2/sessions/current', headers: { 'X-Auth-Token': token } },
        unavailable: { errors: [expect.objectContaining({ status: '503', code: 'unavailable' })] },
      },
      {
        request: { path: '/lendix/sessions', headers: lendix },
        unavailable: { error: 'The service is not available: try again soon.' },
      },
      {
        request: {
          path: '/clerk/v1/client?_is_native=1',
          headers: { Authorization: browser },
        },
        unavailable: expect.objectContaining({
          errors: [expect.objectContaining({ code: 'service_unavailable' })],
        }),
      },
      {
        request: { path: '/portos/api/auth', headers: bearer },
        unavailable: expect.objectContaining({ title: 'Service Unavailable', status: 503 }),
      },
      {
        request: {
          method: 'POST',
          path: '/zitadel/v2/sessions/search',
          headers: { ...bearer, ...json },
          body: '{}',
        },
        unavailable: expect.objectContaining({ code: 14 }),
      },
    ];
  }

  /** @param administrator who signs in, through Clerk's API as a native app does */
  static async of(
    server: ServerProcess,
    token: string,
    administrator: { email: string; password: string },
  ): Promise<EveryApi> {
    const { body } = await server.client().get('/api/v2/users/me', token);
    const { email: identifier, password } = administrator;
    const signedIn = await sendRequest(server.url, {
      method: 'POST',
      path: '/clerk/v1/client/sign_ins?_is_native=1',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ identifier, password }).toString(),
    });
    return new EveryApi(server.url, token, body.data.id, signedIn.headers.authorization!);
  }

  /** Sends each once, all together. */
  private ask(): Promise<RawAnswer[]> {
    return Promise.all(this.requests.map(({ request }) => sendRequest(this.url, request)));
  }

  async expectAnswered(): Promise<void> {
    expect((await this.ask()).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  }

  /** 503 and when to come back, in the words of each. */
  async expectUnavailable(): Promise<void> {
    for (const [index, { status, headers, body }] of (await this.ask()).entries()) {
      expect({ status, body }).toEqual({ status: 503, body: this.requests[index]!.unavailable });
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    }
  }
}

/** As Lendix writes an id. */
function lendixId(id: string): string {
  return BigInt(id).toString(16).padStart(24, '0');
}
