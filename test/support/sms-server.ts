import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it arrived. */
export interface HandedOver {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Something on the loopback that takes SMS: for SMS_WEBHOOK_URL, or in the place of Twilio. */
export interface SmsServer {
  readonly url: string;
  /** Each try, also those that were refused. */
  readonly tries: HandedOver[];
  /** The messages that were taken, as JSON of the webhook; the latest is the last. */
  readonly received: () => { to: string; text: string }[];
  readonly stop: () => Promise<void>;
}

/**
 * Starts one.
 * @param answers the statuses of the first answers, 0 for none at all; after them everything is taken
 */
export async function startSmsServer(answers: readonly number[] = []): Promise<SmsServer> {
  const tries: HandedOver[] = [];
  const taken: HandedOver[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const status = answers[tries.length] ?? 202;
      const one = { path: request.url ?? '', headers: request.headers, body };
      tries.push(one);
      if (status === 0) return;
      if (status < 300) taken.push(one);
      response.writeHead(status, status === 302 ? { Location: '/elsewhere' } : {}).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stop = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  const received = () => taken.map(({ body }) => JSON.parse(body));
  return { url: `http://127.0.0.1:${port}`, tries, received, stop };
}
