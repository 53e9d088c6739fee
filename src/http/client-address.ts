import type { Request } from 'express';
import { isIP, isIPv6 } from 'node:net';

/**
 * The address a request comes from: X-Forwarded-For counts only behind a proxy of TRUST_PROXY. What such a proxy
 * forwards and is no address is passed over for the proxy's own; IPv4 is written as IPv4, on a dual socket too.
 */
export function clientAddress(request: Request): string {
  const told = request.ip ?? '';
  const address = isIP(told) ? told : (request.socket.remoteAddress ?? '');
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/**
 * What strangers are counted by: an IPv4 address itself; of IPv6 its /64, e.g. `2001:db8:0:1::/64`, since whoever has one
 * address of it has all. What is no address stays as it is.
 */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const hexadecimal = address.replace(/%.*$/, '').replace(/[\d.]+\.\d+$/, '0:0'); // an IPv4 at the end is past the /64
  const [before = [], after = []] = hexadecimal.split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  const groups = [...before, ...zeros, ...after].slice(0, 4).map((group) => parseInt(group, 16).toString(16));
  return `${groups.join(':')}::/64`;
}
