import type { Request } from 'express';
import { readPairs, shown } from '../json-api/query-string.js';
import { readInstant } from '../json-api/values.js';
import { Refusal } from '../refusal.js';
import { FIXTURES, type FixtureName } from './fixtures.service.js';
import type { OutboxFilter } from './outbox.js';
import type { ClockChange } from './qa-clock.js';

/** Far enough for every expiry, and no further than PostgreSQL, JWTs and cookies can tell of. */
const FARTHEST_SECONDS = 200 * 366 * 86_400;

/** @throws Refusal invalid_document for no object and for members that are unknown; invalid at `release`, `freeze`, `move_seconds` */
export function readClockChange(body: unknown): ClockChange {
  const sent = readMembers(body, ['release', 'freeze', 'move_seconds']);
  const { release = false, freeze, move_seconds: seconds = 0 } = sent;
  if (typeof release !== 'boolean') throw invalid('release', 'release is true or false');
  const moment = typeof freeze === 'string' ? readInstant(freeze) : freeze === true ? true : undefined;
  if (freeze !== undefined && moment === undefined) {
    throw invalid('freeze', 'freeze is true or an ISO 8601 moment with its offset');
  }
  if (typeof seconds !== 'number' || !(Math.abs(seconds) <= FARTHEST_SECONDS)) {
    throw invalid(
      'move_seconds',
      `move_seconds is a number from −${FARTHEST_SECONDS} to ${FARTHEST_SECONDS}`,
    );
  }
  return { release, freeze: moment, moveMilliseconds: Math.round(seconds * 1000) };
}

/** @throws Refusal invalid_document; blank or invalid at `name` */
export function readFixtureName(body: unknown): FixtureName {
  const { name } = readMembers(body, ['name']);
  if (name === undefined) throw new Refusal('blank', { member: 'name' });
  if (typeof name === 'string' && Object.hasOwn(FIXTURES, name)) return name as FixtureName;
  throw invalid('name', `name is one of ${Object.keys(FIXTURES).join(', ')}`);
}

const KINDS = ['code', 'notice'] as const;
const CHANNELS = ['email', 'sms'] as const;

/** @throws Refusal unsupported_parameter; invalid_parameter at `kind` and `channel` */
export function readOutboxFilter(request: Pick<Request, 'originalUrl'>): OutboxFilter {
  const filter: { -readonly [K in keyof OutboxFilter]: OutboxFilter[K] } = {};
  for (const { name, value } of readPairs(request)) {
    if (name === 'to') filter.to = value;
    else if (name === 'kind') filter.kind = oneOf(KINDS, name, value);
    else if (name === 'channel') filter.channel = oneOf(CHANNELS, name, value);
    else throw new Refusal('unsupported_parameter', { parameter: shown(name) });
  }
  return filter;
}

function oneOf<T extends string>(known: readonly T[], parameter: string, value: string): T {
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  throw new Refusal('invalid_parameter', { parameter, detail: `${parameter} is one of ${known.join(', ')}` });
}

function readMembers(body: unknown, known: readonly string[]): Record<string, unknown> {
  const detail = `Send a JSON object with ${known.join(', ')}`;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new Refusal('invalid_document', { detail });
  }
  if (!Object.keys(body).every((name) => known.includes(name)))
    throw new Refusal('invalid_document', { detail });
  return { ...body };
}

function invalid(member: string, detail: string): Refusal {
  return new Refusal('invalid', { member, detail });
}
