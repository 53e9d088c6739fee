import { CommanderError } from 'commander';
import { ConfigError } from '../config.js';
import { asRefusal, describeError } from '../http/failure.js';
import { WORDS } from '../json-api/words.js';
import type { Problem, Reason } from '../refusal.js';

/** A command that was given wrongly: exit code 2, and the sentence says how to give it. */
export class UsageError extends Error {}

/** What went wrong about a file, in a sentence. */
export class FileError extends Error {}

/** Where the API's words speak of its own requests, or say too little without one. */
const OWN_WORDS: Partial<Record<Reason, string>> = {
  invalid: 'is not valid',
  taken: 'belongs to a user already',
  not_settable: 'cannot be set',
  not_found: 'There is no such thing',
};

/**
 * Tells standard error in a sentence why a command failed, never with a stack.
 * @returns the exit code: 0 for help that was asked for, 1 for a refusal, 2 for a command that was given wrongly
 */
export function tellFailure(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return 0;
    return 2; // commander has said what was wrong
  }
  process.stderr.write(`${sentenceOf(error)}\n`);
  return error instanceof UsageError ? 2 : 1;
}

/** A problem in words, e.g. "email belongs to a user already". */
export function sentenceOfProblem({ reason, attribute, detail }: Problem): string {
  const words = detail ?? OWN_WORDS[reason] ?? WORDS[reason].detail;
  return detail === undefined && attribute !== undefined ? `${attribute} ${words}` : words;
}

function sentenceOf(error: unknown): string {
  if (error instanceof UsageError || error instanceof FileError || error instanceof ConfigError)
    return error.message;
  const refusal = asRefusal(error);
  if (refusal?.reason === 'unavailable') return 'The database does not answer';
  if (refusal !== null) return refusal.problems.map(sentenceOfProblem).join('; ');
  return `It did not work: ${describeError(error).message.split('\n')[0]}`;
}
