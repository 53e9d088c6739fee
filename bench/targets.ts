import bcrypt from 'bcrypt';
import type { Target, Turn } from './load.js';
import { emailOf, tokensInRotation, usersInRotation } from './population.js';
import type { BenchedServer } from './server.js';

const JSON_API = { 'Content-Type': 'application/vnd.api+json' };
const PASSWORD = 'a password for the bench';

/** What the sessions and users of the bench are loaded with, so that they can sign in. */
export function passwordHash(): Promise<string> {
  return bcrypt.hash(PASSWORD, 10);
}

/** `GET /api/v2/sessions/current`. */
export function currentOn(server: BenchedServer): Target {
  const path = '/api/v2/sessions/current';
  return { name: 'Latchkey', server, path, headers: {}, rotation: bearers(30), answers: /"token":"[0-9a-f]/ };
}

/** `GET /api/v2/sessions`: 30 rows, which are all of them or half. */
export function listOn(server: BenchedServer, sessionsOfEach: 30 | 60): Target {
  return {
    name: 'Latchkey',
    server,
    path: '/api/v2/sessions',
    headers: {},
    rotation: bearers(sessionsOfEach),
    answers: new RegExp(`"total_count":${sessionsOfEach}\\b`),
  };
}

/** `POST /api/v2/sessions`. */
export function loginOn(server: BenchedServer): Target {
  const rotation = usersInRotation().map((user) => {
    const attributes = { email: emailOf(user), password: PASSWORD };
    return { body: JSON.stringify({ data: { type: 'sessions', attributes } }) };
  });
  return {
    name: 'Latchkey',
    server,
    method: 'POST',
    path: '/api/v2/sessions',
    headers: JSON_API,
    rotation,
    answers: /"token":"[0-9a-f]/,
  };
}

/** `POST /api/v2/sessions/jwt`. */
export function jwtOn(server: BenchedServer): Target {
  return {
    name: 'POST /sessions/jwt',
    server,
    method: 'POST',
    path: '/api/v2/sessions/jwt',
    headers: {},
    rotation: bearers(30),
    answers: /"eyJ/,
  };
}

/** `POST …/tokens` of Clerk's API, as its native apps ask for one: each of 64 clients is signed in first. */
export async function clerkTokensOn(server: BenchedServer): Promise<Target> {
  const rotation: Turn[] = [];
  for (const user of usersInRotation()) {
    const form = { strategy: 'password', identifier: emailOf(user), password: PASSWORD };
    const response = await fetch(`${server.url}/clerk/v1/client/sign_ins?_is_native=1`, {
      method: 'POST',
      body: new URLSearchParams(form),
    });
    const body = (await response.json()) as { response: { created_session_id: string } };
    rotation.push({
      path: `/clerk/v1/client/sessions/${body.response.created_session_id}/tokens?_is_native=1`,
      headers: { Authorization: response.headers.get('authorization') ?? '' },
    });
  }
  const name = 'POST Clerk’s /tokens';
  return { name, server, method: 'POST', path: '', headers: {}, rotation, answers: /"jwt":"eyJ/ };
}

/** Credentials of 64 users, with so many live sessions each. */
export function bearers(sessionsOfEach: 30 | 60): Turn[] {
  return tokensInRotation(sessionsOfEach).map((token) => ({ headers: { Authorization: `Bearer ${token}` } }));
}
