import { getMetadataStorage, ValidateBy } from 'class-validator';
import type { Reason } from '../refusal.js';
import { isWellFormed } from '../secrets.js';
import { readInstant } from './values.js';

/** Says what is wrong with the value of an attribute, or null. `undefined` means that it was not sent. */
export type Rule = (value: unknown) => Reason | null;

/** Checks an attribute of a request document by a rule; the reason becomes the error that points at it. */
export function Attribute(rule: Rule): PropertyDecorator {
  return ValidateBy({
    name: 'rule',
    validator: {
      validate: (value) => rule(value) === null,
      defaultMessage: (details) => rule(details?.value) ?? 'invalid',
    },
  });
}

const declared = new WeakMap<object, readonly string[]>();

/** The attributes that a shape declares by its rules, in the order of declaration. */
export function declaredNames(shape: new () => object): readonly string[] {
  let names = declared.get(shape);
  if (names === undefined) {
    const rules = getMetadataStorage().getTargetValidationMetadatas(shape, '', false, false);
    names = [...new Set(rules.map((rule) => rule.propertyName))];
    declared.set(shape, names);
  }
  return names;
}

/** A text that has to be there, holds more than white space, and has at most so many characters. */
export function requiredText(most: number): Rule {
  return (value) => {
    if (value === undefined || value === null) return 'blank';
    if (typeof value !== 'string') return 'invalid';
    if (value.trim() === '') return 'blank';
    return textProblem(value, most);
  };
}

/** A text of at most so many characters, null, or nothing. */
export function optionalText(most: number): Rule {
  return (value) => {
    if (value === undefined || value === null) return null;
    return typeof value === 'string' ? textProblem(value, most) : 'invalid';
  };
}

/** `true`, `false`, null, or nothing; nothing that merely looks like one of them. */
export const optionalBoolean: Rule = (value) =>
  value === undefined || value === null || typeof value === 'boolean' ? null : 'invalid';

/** An ISO 8601 moment with its offset (see `readInstant`), null, or nothing. */
export const optionalInstant: Rule = (value) => {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' && readInstant(value) !== undefined ? null : 'invalid';
};

/** A secret that has to be there; what it is worth is judged elsewhere. */
export const requiredSecret: Rule = (value) => {
  if (value === undefined || value === null || value === '') return 'blank';
  return typeof value === 'string' ? null : 'invalid';
};

function textProblem(value: string, most: number): Reason | null {
  if (!isWellFormed(value) || value.includes('\0')) return 'invalid';
  return [...value].length > most ? 'too_long' : null;
}
