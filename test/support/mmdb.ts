/**
 * A MaxMind database, as small as it can be (MaxMind DB file format 2.0: 24-bit records, IPv4).
 * @param places what is known of each network, e.g. `{ '203.0.113.0/24': { city: { names: { en: 'Vienna' } } } }`
 */
export function mmdb(places: Record<string, object>): Buffer {
  const nodes: [Branch, Branch][] = [[null, null]];
  const data: Buffer[] = [];
  for (const [network, place] of Object.entries(places)) {
    const offset = data.reduce((total, { length }) => total + length, 0);
    data.push(encode(place));
    plant(nodes, network, { offset });
  }
  const record = (branch: Branch) => {
    if (branch === null) return nodes.length; // "not found"
    return typeof branch === 'number' ? branch : nodes.length + SEPARATOR.length + branch.offset;
  };
  const tree = Buffer.alloc(nodes.length * 6);
  nodes.forEach(([left, right], index) => {
    tree.writeUIntBE(record(left), index * 6, 3);
    tree.writeUIntBE(record(right), index * 6 + 3, 3);
  });
  return Buffer.concat([tree, SEPARATOR, ...data, METADATA_MARKER, encode(metadata(nodes.length))]);
}

/** A further node, what is known of an address, or nothing. */
type Branch = number | { offset: number } | null;

const SEPARATOR = Buffer.alloc(16);
const METADATA_MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');

function metadata(nodeCount: number): object {
  return {
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
    database_type: 'Test-City',
    description: { en: 'Latchkey test' },
    ip_version: 4,
    languages: ['en'],
    node_count: nodeCount,
    record_size: 24,
  };
}

function plant(nodes: [Branch, Branch][], network: string, leaf: { offset: number }): void {
  const [address = '', length = '32'] = network.split('/');
  const bytes = address.split('.').map(Number);
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let node = 0;
  for (let depth = 0; depth < Number(length); depth++) {
    const side = bits[depth] === '1' ? 1 : 0;
    const next = nodes[node]![side];
    if (depth === Number(length) - 1) nodes[node]![side] = leaf;
    else if (typeof next === 'number') node = next;
    else nodes[node]![side] = node = nodes.push([null, null]) - 1;
  }
}

function encode(value: unknown): Buffer {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return Buffer.concat([control(2, bytes.length), bytes]);
  }
  if (typeof value === 'number' && !Number.isInteger(value)) {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    return Buffer.concat([control(3, 8), bytes]);
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([control(6, 4), bytes]);
  }
  if (Array.isArray(value)) {
    // Types above 7 stand in a byte of their own.
    return Buffer.concat([Buffer.from([value.length, 11 - 7]), ...value.map(encode)]);
  }
  const members = Object.entries(value as object);
  const pairs = members.flatMap(([name, member]) => [encode(name), encode(member)]);
  return Buffer.concat([control(7, members.length), ...pairs]);
}

function control(type: number, size: number): Buffer {
  if (size > 28) throw new RangeError('sizes above 28 are not needed here');
  return Buffer.from([(type << 5) | size]);
}
