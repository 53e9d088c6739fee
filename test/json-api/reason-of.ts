import { type Problem, type Reason, Refusal } from '../../src/refusal.js';

/** Why something was refused; undefined when it was not. Whatever else is thrown is a bug and goes on. */
export function reasonOf(act: () => unknown): Reason | undefined {
  return problemsOf(act)[0]?.reason;
}

/** All that a refusal named. */
export function problemsOf(act: () => unknown): readonly Problem[] {
  try {
    act();
  } catch (error) {
    if (error instanceof Refusal) return error.problems;
    throw error;
  }
  return [];
}
