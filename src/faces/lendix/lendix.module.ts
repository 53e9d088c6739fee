import { Module } from '@nestjs/common';
import type { Request } from 'express';
import type { Presented, Wire } from '../../http/wire.js';
import { readPlainJson } from '../../json-api/body.js';
import { Refusal } from '../../refusal.js';
import { SessionsModule } from '../../sessions/sessions.module.js';
import { UsersModule } from '../../users/users.module.js';
import { writeErrors } from './errors.js';
import { LendixController } from './lendix.controller.js';
import { fromLendixId, fromLendixToken } from './translate.js';

@Module({ imports: [SessionsModule, UsersModule], controllers: [LendixController] })
export class LendixModule {}

/** How Lendix speaks (CONTRACTS.md 4.1). */
export const LENDIX: Wire = {
  prefix: '/lendix',
  readBody: readPlainJson,
  readCredential,
  write: writeErrors,
};

/**
 * The credential of a request: `sessionToken`, with the `userId` that it has to fit; either alone is none
 * (DECISIONS.md, Lendix).
 * @throws Refusal credentials_conflict for two that differ
 */
function readCredential({ headersDistinct: headers }: Request): Presented | undefined {
  const [token, ...otherTokens] = new Set(headers.sessiontoken);
  const [user, ...otherUsers] = new Set(headers.userid);
  if (otherTokens.length > 0 || otherUsers.length > 0) throw new Refusal('credentials_conflict');
  const userId = fromLendixId(user ?? '');
  if (token === undefined || userId === undefined) return undefined;
  return { credential: fromLendixToken(token), userId };
}
