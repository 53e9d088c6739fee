import fc, { type Arbitrary } from 'fast-check';
import { encode, isProof, often, proofOf, text, value, valueFor } from './fuzz-values.js';

interface Edit {
  readonly where: number;
  readonly how: 'set' | 'delete' | 'add' | 'list' | 'nest';
  readonly name: string;
  readonly value: unknown;
}
const SPOILT = [
  'cut',
  'bom',
  'utf16',
  'latin1',
  'deep',
  'twice',
  'comma',
  'huge',
  'none',
  'text',
  'number',
  'long',
] as const;
type Spoiling = (typeof SPOILT)[number];

/** A body that a route takes, edited in a few places or spoilt as a whole, or neither. */
export function bodyOf(bodies: readonly unknown[], mediaType: string): Arbitrary<Buffer | undefined> {
  const edits = fc.array(
    fc.record<Edit>({
      where: fc.nat(1_000),
      how: fc.constantFrom('set', 'set', 'set', 'delete', 'add', 'list', 'nest'),
      name: fc.oneof(
        fc.constantFrom('id', 'type', 'rights', 'status', 'user_id', 'machine', 'data', 'checks'),
        text,
      ),
      value,
    }),
    { maxLength: 3 },
  );
  const filled = fc
    .constantFrom(...(bodies.length === 0 ? [undefined] : bodies))
    .chain((body) => fillings(body).map((fill) => fill(body)));
  return fc
    .tuple(
      filled,
      often<readonly Edit[]>([], 1, edits),
      often<Spoiling | 'not'>('not', 9, fc.constantFrom(...SPOILT)),
      text,
    )
    .map(([body, edits, spoiling, made]) => {
      if (body === undefined && spoiling === 'not') return undefined;
      const changed = edits.reduce(edited, body ?? {});
      return spoil(mediaType.includes('form') ? toForm(changed) : JSON.stringify(changed), spoiling, made);
    });
}

/** Puts what the sender really has in the places of the examples' addresses, passwords and codes, or most of it. */
function fillings(body: unknown): Arbitrary<(body: unknown) => unknown> {
  const names = leavesOf(body).map(
    ({ path }) => path.filter((step) => typeof step === 'string').at(-1) ?? '',
  );
  return fc
    .tuple(...names.map((name) => often<unknown>(undefined, isProof(name) ? 3 : 5, valueFor(name))))
    .map(
      (values) => (whole) =>
        leavesOf(whole).reduce(
          (filled, { path }, index) =>
            withValue(filled, path, values[index] ?? proofOf(names[index]!) ?? valueAt(whole, path)),
          whole,
        ),
    );
}

type Path = readonly (string | number)[];

function leavesOf(whole: unknown, path: Path = []): { path: Path }[] {
  if (typeof whole !== 'object' || whole === null) return [{ path }];
  return Object.entries(whole).flatMap(([name, member]) =>
    leavesOf(member, [...path, Array.isArray(whole) ? Number(name) : name]),
  );
}

function placesOf(whole: unknown, path: Path = []): Path[] {
  if (typeof whole !== 'object' || whole === null) return [path];
  return [path, ...Object.entries(whole).flatMap(([name, member]) => placesOf(member, [...path, name]))];
}

function valueAt(whole: unknown, path: Path): unknown {
  return path.reduce<unknown>((part, step) => (part as Record<string, unknown>)[step], whole);
}

function withValue(whole: unknown, [step, ...rest]: Path, wanted: unknown): unknown {
  if (step === undefined) return wanted;
  const copy = (Array.isArray(whole) ? [...(whole as unknown[])] : { ...(whole as object) }) as Record<
    string,
    unknown
  >;
  const member = withValue(copy[step], rest, wanted);
  // `copy.__proto__ = …` would make no member of it.
  Object.defineProperty(copy, step, { value: member, enumerable: true, configurable: true, writable: true });
  return copy;
}

function edited(whole: unknown, { where, how, name, value: made }: Edit): unknown {
  const places = placesOf(whole);
  const path = places[where % places.length]!;
  const present = valueAt(whole, path);
  if (how === 'set') return withValue(whole, path, made);
  if (how === 'list') return withValue(whole, path, [present, present]);
  if (how === 'nest') return withValue(whole, path, { [name]: present });
  if (how === 'add') {
    const isObject = typeof present === 'object' && present !== null && !Array.isArray(present);
    return isObject ? withValue(whole, [...path, name], made) : whole;
  }
  const [last, parent] = [path.at(-1), path.slice(0, -1)];
  if (last === undefined) return undefined;
  const siblings = valueAt(whole, parent) as object;
  const others = Object.entries(siblings).filter(([member]) => member !== String(last));
  return withValue(
    whole,
    parent,
    Array.isArray(siblings) ? others.map(([, left]) => left as unknown) : Object.fromEntries(others),
  );
}

function toForm(body: unknown): string {
  const fields = Object.entries(body ?? {}).map(([name, field]) => [
    name,
    typeof field === 'string' ? field : JSON.stringify(field),
  ]);
  return fields.map(([name, field]) => `${encode(name!)}=${encode(field ?? '')}`).join('&');
}

function spoil(body: string | undefined, spoiling: Spoiling | 'not', made: string): Buffer {
  const usual = body ?? '';
  switch (spoiling) {
    case 'not':
      return Buffer.from(usual);
    case 'cut':
      return Buffer.from(usual.slice(0, Math.floor(usual.length / 2)));
    case 'bom':
      return Buffer.from(`\ufeff${usual}`);
    case 'utf16':
      return Buffer.from(usual, 'utf16le');
    case 'latin1':
      return Buffer.concat([Buffer.from(usual), Buffer.from([0xff, 0xfe, 0xc0, 0x80])]);
    case 'deep':
      return Buffer.from('['.repeat(20_000));
    case 'twice':
      return Buffer.from(
        usual.replace(/^\{/, '{"data":{},"checks":null,"email":"a@b.c",').concat('&a=1&a=2'),
      );
    case 'comma':
      return Buffer.from(usual.replace(/\}$/, ',}'));
    case 'huge':
      return Buffer.alloc(66_000, usual || '{');
    case 'none':
      return Buffer.alloc(0);
    case 'text':
      return Buffer.from(made);
    case 'number':
      return Buffer.from(usual.replace(/:("[^"]*"|\d+)/, ':-1e999'));
    case 'long':
      return Buffer.from(usual.replace(/"([^"]*)"(?=\})/, `"${'x'.repeat(60_000)}"`));
  }
}
