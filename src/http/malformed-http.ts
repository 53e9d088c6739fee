import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { openResponsesOn } from './open-responses.js';

/** What Node cannot read as HTTP never reaches the router; each gets its status and is cut off. */
const ANSWERS: Readonly<Record<string, Buffer>> = {
  HPE_HEADER_OVERFLOW: answer(431, 'Request Header Fields Too Large'),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: answer(413, 'Content Too Large'),
  ERR_HTTP_REQUEST_TIMEOUT: answer(408, 'Request Timeout'),
};
const BAD_REQUEST = answer(400, 'Bad Request');

/** Answers malformed HTTP with a small errors document and closes the connection; the server lives on. */
export function answerMalformedHttp(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const halfAnswered = openResponsesOn(server, socket).some(({ headersSent }) => headersSent);
    if (halfAnswered || !socket.writable) return void socket.destroy();
    socket.end(ANSWERS[error.code ?? ''] ?? BAD_REQUEST);
    socket.once('finish', () => socket.destroy());
  });
}

/** Answers a request whose target is no URL (`http://[`) the same way: no route, and no middleware, could look at it. */
export function answerMalformedTarget(response: ServerResponse): void {
  const body = documentOf(400, 'Bad Request');
  response.writeHead(400, headersOf(body)).end(body);
}

function answer(status: number, title: string): Buffer {
  const body = documentOf(status, title);
  const headers = Object.entries(headersOf(body)).map(([name, value]) => `${name}: ${value}`);
  return Buffer.from([`HTTP/1.1 ${status} ${title}`, ...headers, '', body].join('\r\n'));
}

function documentOf(status: number, title: string): string {
  const code = title.toLowerCase().replaceAll(' ', '_');
  return JSON.stringify({ errors: [{ status: String(status), code, title }] });
}

function headersOf(body: string) {
  return {
    'Content-Type': 'application/vnd.api+json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    Connection: 'close',
  };
}
