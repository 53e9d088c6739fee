import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';

// By connection: a Set to which every response is added is laid out anew every few dozen of them, and was seen to keep
// some of what has ended from the young garbage collections (a third of all that outlived them).
const open = new WeakMap<Server, Map<Duplex, ServerResponse[]>>();

/** Keeps count of the responses that a server is not through with, for `openResponsesOn` and `drain`. */
export function trackOpenResponses(server: Server): void {
  const connections = new Map<Duplex, ServerResponse[]>();
  open.set(server, connections);
  server.on('connection', (socket) => {
    connections.set(socket, []);
    socket.once('close', () => connections.delete(socket));
  });
  // Before Express, which may have answered by the time that its own listener returns.
  server.prependListener('request', (request, response: ServerResponse) => {
    const responses = connections.get(request.socket) ?? [];
    const remove = (one: ServerResponse) => responses.splice(responses.indexOf(one), 1);
    // Whatever came before on a connection is read to its end once the next request comes.
    if (responses.length > 0) responses.filter(({ closed }) => closed).forEach(remove);
    responses.push(response);
    response.once('close', () => request.complete && remove(response));
    if (!server.listening) response.setHeader('Connection', 'close');
  });
}

/**
 * The responses on one connection that the server has not finished, and one that it has while it is still reading the
 * request: whatever comes is of that request's body.
 */
export function openResponsesOn(server: Server, socket: Duplex): readonly ServerResponse[] {
  return (open.get(server)?.get(socket) ?? []).filter(({ closed, req }) => !closed || !req.complete);
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
  for (const response of [...(open.get(server)?.values() ?? [])].flat()) {
    if (!response.headersSent) response.setHeader('Connection', 'close');
  }
  const closeIdle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MILLISECONDS);
  const cut = setTimeout(() => server.closeAllConnections(), seconds * 1000);
  await closed;
  clearInterval(closeIdle);
  clearTimeout(cut);
}
