import type { Response } from 'express';
import type { Problem, Refusal } from '../refusal.js';
import { sendDocument } from './send.js';
import { WORDS, type Words } from './words.js';

interface ErrorObject {
  links?: { type: string };
  status: string;
  code: string;
  title: string;
  detail: string;
  source: Record<string, string>;
  meta?: object;
}

/**
 * Answers a refusal with an errors document (JSON:API 1.1 §errors), one error for each problem. Pointers have no
 * leading slash, as the document writes them (DECISIONS.md, Native 3).
 */
export function writeErrors(response: Response, refusal: Refusal): void {
  const words: Words = WORDS[refusal.reason];
  const status = commonStatus(refusal.problems);
  const retryAfterSeconds = refusal.retryAfterSeconds ?? words.retryAfterSeconds;
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="latchkey"');
  if (status === 405) response.setHeader('Allow', (refusal.allow ?? []).join(', '));
  if (retryAfterSeconds !== undefined) response.setHeader('Retry-After', String(retryAfterSeconds));
  sendDocument(response, status, JSON.stringify(errorsDocument(refusal)));
}

/** The errors document of a refusal, as it is sent and as the documentation shows it. */
export function errorsDocument(refusal: Refusal): { errors: object[] } {
  return { errors: refusal.problems.map(errorObject) };
}

function errorObject(problem: Problem): ErrorObject {
  const { status, code, title, detail, type, meta }: Words = WORDS[problem.reason];
  // Every 401 is the same to the byte, so that none tells what was wrong.
  const secretive = status === 401;
  return {
    ...(type === undefined ? {} : { links: { type } }),
    status: String(status),
    code,
    title,
    detail: secretive ? detail : (problem.detail ?? detail),
    source: secretive ? {} : sourceOf(problem),
    ...(meta === undefined ? {} : { meta }),
  };
}

function sourceOf({ reason, attribute, member, parameter, header }: Problem): Record<string, string> {
  if (attribute !== undefined) return { pointer: `data/attributes/${attribute}` };
  if (member !== undefined) return { pointer: member };
  if (parameter !== undefined) return { parameter };
  const words: Words = WORDS[reason];
  const headerAtFault = header ?? words.header;
  return headerAtFault === undefined ? {} : { header: headerAtFault };
}

/** The status of all problems, or the most generally applicable one when they differ. */
function commonStatus(problems: Refusal['problems']): number {
  const statuses = problems.map(({ reason }) => WORDS[reason].status);
  if (new Set(statuses).size === 1) return statuses[0]!;
  return statuses.some((status) => status >= 500) ? 500 : 400;
}
