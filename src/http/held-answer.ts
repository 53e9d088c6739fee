import type { Response } from 'express';

/**
 * Keeps the answer to a request back until some work is done, whoever writes it.
 * @param work begins once the answer is written
 * @param fail answers in its place when the work fails; of the headers, those that were set by now are still there
 */
export function holdAnswer(
  response: Response,
  work: () => Promise<void>,
  fail: (error: unknown) => void,
): void {
  const headers = new Set(response.getHeaderNames());
  const end = response.end.bind(response) as (...args: unknown[]) => Response;
  const instead = (error: unknown) => {
    for (const name of response.headersSent ? [] : response.getHeaderNames()) {
      if (!headers.has(name)) response.removeHeader(name);
    }
    fail(error);
  };
  const held = (...args: unknown[]) => {
    Object.assign(response, { end });
    work().then(() => end(...args), instead);
    return response;
  };
  Object.assign(response, { end: held });
}
