import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { documentProblems } from './json-api-document.js';

/** A request to the letter: nothing is added to it, nothing encoded. */
export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Parsed; undefined for an empty body. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as supertest has it: tests look at it member by member
  readonly body: any;
}

/** Sends one request. */
export function sendRequest(
  url: string,
  { method = 'GET', path, headers, body }: RawRequest,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    // Node would send the body of a GET without saying how long it is.
    const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
    const options = { hostname, port, method, path, headers: { ...length, ...headers } };
    const sent = request(options, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const { statusCode = 0 } = answer;
        resolve({ status: statusCode, headers: answer.headers, text, body: parse(text) });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/**
 * Writes bytes to the server as they are and hands back all that comes until it closes.
 * @param then what follows once something was answered
 */
export function sendBytes(url: string, bytes: string | Buffer, then?: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes, 'latin1'));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      if (answer === '' && then !== undefined) socket.write(then, 'latin1');
      answer += chunk;
    });
    socket.on('close', () => resolve(answer)).on('error', reject);
  });
}

/**
 * What is wrong with any answer below /api/v2: a 500, another content type than bare JSON:API (with the one profile
 * where a page goes by cursor), or a document that is none; empty when nothing is.
 */
export function answerProblems(answer: RawAnswer, path: string): string[] {
  const { status, headers, text, body } = answer;
  if (status === 500) return ['500'];
  if (text === '') return headers['content-type'] === undefined ? [] : ['a content type of nothing'];
  if (status === 201 && path.includes('/jwt')) return [];
  const bare = 'application/vnd.api+json';
  const byCursor = `${bare}; profile="https://jsonapi.org/profiles/ethanresnick/cursor-pagination/"`;
  const type = headers['content-type'];
  if (type !== bare && type !== byCursor) return [`content type ${type}`];
  const sparse = /[?&]fields/i.test(path);
  return documentProblems(body, { sparse });
}

function parse(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
