import { requestsOf, type Target } from './load.js';

/**
 * Holds a reference to what it is one for: it answers the same document, byte for byte but for instants, which move
 * with use, and ports.
 * @throws Error with both where they differ
 */
export async function sameDocument(reference: Target, own: Target): Promise<void> {
  const [expected, actual] = await Promise.all([documentOf(own), documentOf(reference)]);
  if (expected !== actual) throw new Error(`${reference.name} answers\n${actual}\nand not\n${expected}`);
}

async function documentOf(target: Target): Promise<string> {
  const [{ path, headers }] = requestsOf(target) as [ReturnType<typeof requestsOf>[number]];
  const response = await fetch(`${target.server.url}${path}`, { headers });
  const text = await response.text();
  return text
    .replace(/"\d{4}-\d\d-\d\dT[^"]+"/g, '"instant"')
    .replace(/(localhost|127\.0\.0\.1):\d+/g, 'host');
}
