import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';

const open = new WeakMap<Server, Set<ServerResponse>>();

/** Keeps count of the responses that a server has not finished, for `openResponses` and `drain`. */
export function trackOpenResponses(server: Server): void {
  const responses = new Set<ServerResponse>();
  open.set(server, responses);
  // Before Express, which may have answered by the time that its own listener returns.
  server.prependListener('request', (_, response: ServerResponse) => {
    responses.add(response);
    response.once('close', () => responses.delete(response));
    if (!server.listening) response.setHeader('Connection', 'close');
  });
}

/** The responses that the server has not finished. */
export function openResponses(server: Server): ReadonlySet<ServerResponse> {
  return open.get(server) ?? new Set();
}

/** A request that is already on its way down an idle connection arrives within this time. */
const CLOSE_IDLE_EVERY_MILLISECONDS = 500;

/**
 * Stops accepting and lets what is running finish, its clients told to close their connections; idle connections
 * are closed half a second later, and whatever still runs after so many seconds is cut off.
 */
export async function drain(server: Server, seconds: number): Promise<void> {
  // The close of `net`: that of `http` closes idle connections at once, under the next request of a busy client.
  const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  for (const response of openResponses(server)) {
    if (!response.headersSent) response.setHeader('Connection', 'close');
  }
  const closeIdle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MILLISECONDS);
  const cut = setTimeout(() => server.closeAllConnections(), seconds * 1000);
  await closed;
  clearInterval(closeIdle);
  clearTimeout(cut);
}
