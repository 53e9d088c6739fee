import { InvalidArgumentError } from 'commander';
import { parseStrictJson } from '../json-api/strict-json.js';
import { Refusal } from '../refusal.js';

/** The JSON value of an argument. @throws InvalidArgumentError for what is no JSON */
export function readJson(text: string): unknown {
  try {
    return parseStrictJson(text);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new InvalidArgumentError('It is no JSON.');
  }
}
