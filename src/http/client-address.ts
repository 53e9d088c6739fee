import type { Request } from 'express';
import { isIP } from 'node:net';

/**
 * The address a request comes from: X-Forwarded-For counts only behind a proxy of TRUST_PROXY. What such a proxy
 * forwards and is no address is passed over for the proxy's own; IPv4 is written as IPv4, on a dual socket too.
 */
export function clientAddress(request: Request): string {
  const told = request.ip ?? '';
  const address = isIP(told) ? told : (request.socket.remoteAddress ?? '');
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
