import { Refusal } from '../refusal.js';

const MAX_DEPTH = 32;

/**
 * Reads JSON as RFC 8259 writes it, and stricter: at most 32 levels deep, no object with two members of one name.
 * Linear in the length of the text. A member `__proto__` becomes an ordinary own member.
 * @throws Refusal `bad_request`, whose words never quote the text.
 */
export function parseStrictJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The platform's own message quotes the text, which may hold a password.
    throw new Refusal('bad_request', { detail: 'The body is not valid JSON' });
  }
  scan(text);
  return value;
}

/** Walks over a text that is known to be JSON, with the names seen in each open object (null for an array). */
function scan(text: string): void {
  const open: (Set<string> | null)[] = [];
  let expectsName = false;
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '{':
      case '[':
        expectsName = text[at] === '{';
        open.push(expectsName ? new Set() : null);
        if (open.length > MAX_DEPTH) {
          throw new Refusal('bad_request', { detail: `The body is nested deeper than ${MAX_DEPTH} levels` });
        }
        break;
      case '}':
      case ']':
        open.pop();
        expectsName = false;
        break;
      case ',':
        expectsName = open.at(-1) !== null;
        break;
      case '"': {
        const end = endOfString(text, at);
        if (expectsName) addName(open.at(-1), text.slice(at, end + 1));
        expectsName = false;
        at = end;
      }
    }
  }
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function addName(names: Set<string> | null | undefined, quoted: string): void {
  const name = quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
  if (names?.has(name)) {
    throw new Refusal('bad_request', { detail: 'An object in the body names one member twice' });
  }
  names?.add(name);
}
