import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';

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

/**
 * Stops accepting, closes idle connections and lets what is running finish, its clients told to close their
 * connections; whatever still runs after so many seconds is cut off.
 */
export async function drain(server: Server, seconds: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const response of openResponses(server)) {
    if (!response.headersSent) response.setHeader('Connection', 'close');
  }
  const cut = setTimeout(() => server.closeAllConnections(), seconds * 1000);
  await closed;
  clearTimeout(cut);
  // Connections end a moment before their responses are done with, and only then is the request logged.
  await Promise.allSettled([...openResponses(server)].map((response) => once(response, 'close')));
}
