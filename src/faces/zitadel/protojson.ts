import { isoInstant } from '../../json-api/iso-instant.js';
import { readInstant } from '../../json-api/values.js';
import { writeValue } from '../../json-api/write-value.js';
import { Refusal } from '../../refusal.js';
import { isWellFormed } from '../../secrets.js';

/**
 * A protobuf message in its JSON form, read as protojson does (CONTRACTS.md, 3.1): names in lowerCamelCase or as in the
 * proto file, null for "not set", 64-bit numbers as numbers or strings, enums by name or number, unknown members
 * ignored. Every reader gives undefined for what is not set, and throws Refusal invalid_document, which names the
 * member at fault.
 */
export class Message {
  private constructor(
    private readonly members: ReadonlyMap<string, unknown>,
    private readonly path: string,
  ) {}

  /** @param value parsed JSON; no body at all is the empty message */
  static of(value: unknown, path = ''): Message {
    if (value === undefined) return new Message(new Map(), path);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(path || 'body');
    const members = Object.entries(value).filter(([, member]) => member !== null);
    return new Message(new Map(members), path);
  }

  /** Where a member of this message is, e.g. `queries[0].idsQuery`. */
  at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }

  /** Which of the members that exclude one another is set. */
  oneOf<Name extends string>(names: readonly Name[]): Name | undefined {
    const [first, second] = names.filter((name) => this.get(name) !== undefined);
    if (second !== undefined) throw invalid(this.at(second));
    return first;
  }

  message(name: string): Message | undefined {
    const value = this.get(name);
    return value === undefined ? undefined : Message.of(value, this.at(name));
  }

  messages(name: string): Message[] {
    return this.list(name).map((value, index) => Message.of(value, `${this.at(name)}[${index}]`));
  }

  /** The messages of a map, by their keys. */
  messagesByKey(name: string): [string, Message][] {
    return this.entries(name).map(([key, value]) => [key, Message.of(value, this.at(name))]);
  }

  /** @param longest in characters */
  text(name: string, longest: number): string | undefined {
    const value = this.get(name);
    return value === undefined ? undefined : textOf(value, longest, this.at(name));
  }

  texts(name: string, longest: number): string[] {
    return this.list(name).map((value) => textOf(value, longest, this.at(name)));
  }

  bool(name: string): boolean | undefined {
    const value = this.get(name);
    if (value !== undefined && typeof value !== 'boolean') throw invalid(this.at(name));
    return value;
  }

  /** A whole number, not negative, within 64 bits; as a JavaScript number, so that a huge one may be inexact. */
  whole(name: string): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const decimal = typeof value === 'string' && /^\d{1,20}$/.test(value);
    const number = decimal ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > 2 ** 64) {
      throw invalid(this.at(name));
    }
    return number;
  }

  /**
   * @param names the enum's values in the order of their numbers; the first one stands for "not set"
   * @throws Refusal invalid_parameter for a number that is none of theirs: enums are open
   */
  enum<Name extends string>(name: string, names: readonly [Name, ...Name[]]): Name {
    const value = this.get(name) ?? 0;
    const isNumber = typeof value === 'number' && Number.isInteger(value);
    const known = isNumber ? names[value] : names.find((candidate) => candidate === value);
    if (known === undefined && isNumber) throw new Refusal('invalid_parameter', { parameter: name });
    if (known === undefined) throw invalid(this.at(name));
    return known;
  }

  /** To the millisecond. */
  timestamp(name: string): Date | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const form = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;
    const instant = typeof value === 'string' && form.test(value) ? readInstant(value) : undefined;
    if (instant === undefined) throw invalid(this.at(name));
    return instant;
  }

  /** In seconds; `"3600s"`, `"1.5s"`. */
  duration(name: string): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const parts = typeof value === 'string' ? /^(-?\d{1,12}(\.\d{1,9})?)s$/.exec(value) : null;
    if (parts === null) throw invalid(this.at(name));
    return Number(parts[1]);
  }

  /**
   * The entries of a map from text to bytes, whose bytes are text here: base64, of either alphabet, padded or not.
   * @param longest of a key and of a value, in characters
   */
  textsByKey(name: string, longest: { readonly key: number; readonly value: number }): [string, string][] {
    return this.entries(name).map(([key, value]) => {
      if (key === '' || key.length > longest.key) throw invalid(this.at(name));
      return [textOf(key, longest.key, this.at(name)), bytesOf(value, longest.value, this.at(name))];
    });
  }

  private get(name: string): unknown {
    const inProto = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const spellings = new Set([name, inProto]);
    const [first, ...others] = [...spellings].filter((spelling) => this.members.has(spelling));
    if (others.length > 0) throw invalid(this.at(name));
    return first === undefined ? undefined : this.members.get(first);
  }

  private list(name: string): unknown[] {
    const value = this.get(name) ?? [];
    if (!Array.isArray(value)) throw invalid(this.at(name));
    return value as unknown[];
  }

  private entries(name: string): [string, unknown][] {
    const value = this.get(name) ?? {};
    if (typeof value !== 'object' || Array.isArray(value)) throw invalid(this.at(name));
    return Object.entries(value);
  }
}

/** What says that a member is not what it should be. */
export function invalid(path: string): Refusal {
  return new Refusal('invalid_document', { member: path });
}

/** RFC 3339 in UTC, with no fraction where there is none. */
export function writeTimestamp(instant: Date): string {
  return isoInstant(instant).replace('.000Z', 'Z');
}

/** A member as protojson writes it: what is zero, empty or not set is undefined, which JSON leaves out. */
export function unlessZero<T>(value: T): T | undefined {
  return isZero(value) ? undefined : value;
}

/**
 * A message as JSON, put together from its members: of a list of sessions, making objects for JSON.stringify takes more
 * time than reading them. What is not set is the empty text, and so is a message of which nothing is set.
 * @param members each by `writeMember`
 */
export function writeMessage(members: string): string {
  return members === '' ? '' : `{${members.slice(1)}}`;
}

/** A member of a message. @param json the empty text for what is zero, empty or not set */
export function writeMember(name: string, json: string): string {
  return json === '' ? '' : `,"${name}":${json}`;
}

/** A map under names of other people's choice, each value as `write` has it. */
export function writeMap<T>(map: Readonly<Record<string, T>>, write: (value: T) => string): string {
  const members = Object.entries(map).map(([key, value]) => {
    const json = write(value);
    return json === '' ? '' : `,${writeValue(key)}:${json}`;
  });
  return writeMessage(members.join(''));
}

/** A text; the empty one is one that is not set. */
export function writeText(text: string | null | undefined): string {
  return text ? writeValue(text) : '';
}

/** An instant, as `writeTimestamp` has it. */
export function writeInstant(instant: Date | null): string {
  return instant === null ? '' : `"${writeTimestamp(instant)}"`;
}

/** Bytes that are kept as text, in base64; in a map they stand also where they are empty. */
export function writeBytes(text: string): string {
  return `"${Buffer.from(text).toString('base64')}"`;
}

function isZero(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true;
  if (typeof value !== 'object') return value === '0';
  return Array.isArray(value) ? value.length === 0 : hasNothingSet(value as Record<string, unknown>);
}

function hasNothingSet(message: Readonly<Record<string, unknown>>): boolean {
  for (const name in message) if (message[name] !== undefined) return false;
  return true;
}

function textOf(value: unknown, longest: number, path: string): string {
  const fits = typeof value === 'string' && value.length <= longest * 2 && [...value].length <= longest;
  if (!fits || value.includes('\0') || !isWellFormed(value)) throw invalid(path);
  return value;
}

function bytesOf(value: unknown, longest: number, path: string): string {
  const form = /^[A-Za-z0-9+/_-]*={0,2}$/;
  if (typeof value !== 'string' || !form.test(value)) throw invalid(path);
  const bytes = Buffer.from(value, 'base64');
  const text = bytes.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(bytes)) throw invalid(path); // what is kept is text
  return textOf(text, longest, path);
}
