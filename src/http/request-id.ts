import { AsyncLocalStorage } from 'node:async_hooks';

const served = new AsyncLocalStorage<string>();

/** Runs what serves a request, in whatever it awaits too, under the request's id. */
export function serveUnder(requestId: string, serve: () => void): void {
  served.run(requestId, serve);
}

/** The id of the request that is being served; undefined where none is. */
export function currentRequestId(): string | undefined {
  return served.getStore();
}
