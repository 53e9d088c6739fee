import type { NextFunction, Request, Response } from 'express';
import { IncomingMessage, METHODS, ServerResponse, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { Refusal, type Reason } from '../refusal.js';
import { openResponsesOn } from './open-responses.js';

/** Requests that stand for what could not be read as one, and what they are answered. */
const unreadable = new WeakMap<IncomingMessage, Refusal>();

/** What Node says of a request that it cut off in the middle, of which a handler may know already. */
const CUT_OFF: Readonly<Record<string, Buffer>> = {
  HPE_CHUNK_EXTENSIONS_OVERFLOW: answer(413, 'Content Too Large'),
  ERR_HTTP_REQUEST_TIMEOUT: answer(408, 'Request Timeout'),
};
const BAD_REQUEST = answer(400, 'Bad Request');

/**
 * Answers what Node cannot read as HTTP, and closes the connection; the server lives on. A request that no handler knows
 * of is refused like any other, with an id, a line in the log, and in the words of the API that it names, as far as its
 * first line could be read. Of one that broke off there may be no more than a connection: it gets a small errors document.
 */
export function answerMalformedHttp(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket: Socket) => {
    const begun = openResponsesOn(server, socket);
    if (begun.some(({ headersSent }) => headersSent) || !socket.writable) return void socket.destroy();
    const reason = reasonOf(error.code ?? '');
    if (begun.length === 0 && reason !== null) {
      return refuse(server, socket, error.rawPacket, new Refusal(reason));
    }
    socket.end(CUT_OFF[error.code ?? ''] ?? BAD_REQUEST);
    socket.once('finish', () => socket.destroy());
  });
}

/** A target that is no URL (`http://[`) is shown to no route and to no middleware: it is refused as one of `/` then. */
export function refuseTarget(request: IncomingMessage, response: ServerResponse, handle: () => void): void {
  unreadable.set(request, new Refusal('bad_request'));
  request.url = '/';
  response.setHeader('Connection', 'close');
  handle();
}

/** Express middleware: refuses what was not readable as HTTP, and two Host headers, of which a proxy may have read the other. */
export function refuseMalformed(request: Request, _: Response, next: NextFunction): void {
  let hosts = 0;
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const name = request.rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts++; // RFC 9112 section 3.2
  }
  next(hosts > 1 ? new Refusal('bad_request', { header: 'Host' }) : unreadable.get(request));
}

/** Null where it says of no request that it is malformed, or cuts one off. */
function reasonOf(code: string): Reason | null {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large';
  return code.startsWith('HPE_') && !(code in CUT_OFF) ? 'bad_request' : null;
}

function refuse(server: Server, socket: Socket, packet: Buffer | undefined, refusal: Refusal): void {
  const [, method = '', target = '/'] = /^([A-Z-]+) (\/[!-~]*)/.exec(packet?.toString('latin1') ?? '') ?? [];
  const request = new IncomingMessage(socket);
  Object.assign(request, { method: METHODS.includes(method) ? method : 'GET', url: target });
  unreadable.set(request, refusal);
  const response = new ServerResponse(request); // of no HTTP version, so that it closes the connection
  response.assignSocket(socket);
  response.once('finish', () => socket.destroySoon());
  server.emit('request', request, response);
}

function answer(status: number, title: string): Buffer {
  const code = title.toLowerCase().replaceAll(' ', '_');
  const body = JSON.stringify({ errors: [{ status: String(status), code, title }] });
  const headers = [
    'Content-Type: application/vnd.api+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    'Connection: close',
  ];
  return Buffer.from([`HTTP/1.1 ${status} ${title}`, ...headers, '', body].join('\r\n'));
}
