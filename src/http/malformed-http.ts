import type { NextFunction, Request, Response } from 'express';
import { IncomingMessage, METHODS, ServerResponse, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { Refusal } from '../refusal.js';
import { openResponsesOn } from './open-responses.js';

/** Requests that stand for what could not be read as one, and what they are answered. */
const unreadable = new WeakMap<IncomingMessage, Refusal>();

/** What is answered on a connection where a request breaks off that a handler knows of already. */
const BROKEN_OFF: Readonly<Record<string, Buffer>> = {
  HPE_HEADER_OVERFLOW: answer(431, 'headers_too_large', 'Request Header Fields Too Large'), // of its trailers
  HPE_CHUNK_EXTENSIONS_OVERFLOW: answer(413, 'payload_too_large', 'Payload Too Large'),
  ERR_HTTP_REQUEST_TIMEOUT: answer(408, 'request_timeout', 'Request Timeout'),
};
const BAD_REQUEST = answer(400, 'bad_request', 'Bad Request');

/**
 * Answers what Node cannot read as HTTP, and closes the connection; the server lives on. A request that no handler knows
 * of is refused like any other, with an id, a line in the log, and in the words of the API that it names, as far as its
 * first line could be read. One that breaks off later gets a small errors document, unless it was answered already.
 */
export function answerMalformedHttp(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket: Socket) => {
    const begun = openResponsesOn(server, socket);
    if (begun.some(({ headersSent }) => headersSent) || !socket.writable) return void socket.destroy();
    const { code = '', rawPacket } = error;
    if (begun.length === 0 && code.startsWith('HPE_')) return refuse(server, socket, code, rawPacket);
    socket.end(BROKEN_OFF[code] ?? BAD_REQUEST);
    socket.once('finish', () => socket.destroy());
  });
}

/** Makes a request whose target is no URL (`http://[`), which is shown to no middleware, one of `/` that is refused. */
export function replaceTarget(request: IncomingMessage): void {
  if (!unreadable.has(request)) unreadable.set(request, new Refusal('bad_request'));
  request.url = '/';
}

/**
 * Express middleware: refuses what was not readable as HTTP, and a request that does not name one host: without any it is
 * none of HTTP/1.1, and of two a proxy may have looked at the other one (RFC 9112 section 3.2).
 */
export function refuseMalformed(request: Request, response: Response, next: NextFunction): void {
  const refusal = unreadable.get(request) ?? refusalOfHost(request);
  if (refusal !== undefined) response.setHeader('Connection', 'close');
  next(refusal);
}

function refusalOfHost({ rawHeaders, httpVersion }: Request): Refusal | undefined {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  const isNamed = hosts === 1 || (hosts === 0 && httpVersion !== '1.1');
  return isNamed ? undefined : new Refusal('bad_request', { header: 'Host' });
}

function refuse(server: Server, socket: Socket, code: string, packet: Buffer | undefined): void {
  const firstLine = /^(?:\r?\n)*([A-Z-]+) (\/[!-~]*)?/.exec(packet?.toString('latin1') ?? '');
  const [, method = '', target = '/'] = firstLine ?? [];
  const request = new IncomingMessage(socket);
  Object.assign(request, { method: METHODS.includes(method) ? method : 'GET', url: target });
  unreadable.set(request, new Refusal(code === 'HPE_HEADER_OVERFLOW' ? 'headers_too_large' : 'bad_request'));
  const response = new ServerResponse(request); // of no HTTP version, so that it closes the connection
  try {
    response.assignSocket(socket);
  } catch {
    return void socket.destroy(); // Node is answering by itself, which nothing tells of
  }
  response.once('finish', () => socket.destroySoon());
  server.emit('request', request, response);
}

function answer(status: number, code: string, title: string): Buffer {
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
