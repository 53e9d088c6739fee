import type { Request, Response } from 'express';
import type { Slice } from '../page.js';
import { cursorOf } from './cursor.js';
import { absolute, cursorLinks, numberedLinks, totalPages } from './links.js';
import { CURSOR_PROFILE, JSON_API } from './media-type.js';
import { MAX_PAGE_SIZE } from './paging.js';
import type { ListQuery, Query } from './query.js';
import type { Resource } from './resource.js';
import { sendDocument } from './send.js';
import { sortKeys } from './sort.js';
import { ResourceWriter } from './write-resource.js';

interface AnswerExtras {
  /** The path below PUBLIC_URL of what was created, e.g. `/api/v2/sessions/5`. */
  readonly location?: string;
  readonly meta?: object;
}

/** Answers one resource: `{data, included?, meta}`, as the document shows it. */
export function answerResource<Row extends object>(
  response: Response,
  status: number,
  resource: Resource<Row>,
  row: Row,
  query: Query,
  { location, meta = {} }: AnswerExtras = {},
): void {
  const writer = new ResourceWriter(resource, query);
  const data = writer.write(row);
  if (location !== undefined) response.setHeader('Location', absolute(response, location));
  sendDocument(response, status, `{"data":${data},${writer.included}"meta":${JSON.stringify(meta)}}`);
}

/** Answers a list with 200: `{data, included?, links, meta}`, in the style that the query chose. */
export function answerCollection<Row extends object>(
  request: Request,
  response: Response,
  resource: Resource<Row>,
  slice: Slice<Row>,
  query: ListQuery,
): void {
  if (query.style === 'cursor') answerByCursor(request, response, resource, slice, query);
  else answerByNumber(request, response, resource, slice, query);
}

/** Answers a document that holds nothing but meta. */
export function answerMeta(response: Response, status: number, meta: object): void {
  sendDocument(response, status, JSON.stringify({ meta }));
}

/** Answers 204 without a body. */
export function answerNothing(response: Response): void {
  response.vary('Accept');
  response.statusCode = 204;
  response.setHeader('Cache-Control', 'no-store');
  response.end();
}

function answerByNumber<Row extends object>(
  request: Request,
  response: Response,
  resource: Resource<Row>,
  slice: Slice<Row>,
  query: ListQuery,
): void {
  const { rows, total, hasUncounted } = slice;
  if (total === null) throw new Error('a numbered page needs the total');
  const writer = new ResourceWriter(resource, query);
  const data = rows.map((row) => writer.write(row)).join(',');
  const links = JSON.stringify(numberedLinks(request, query, { ...slice, total }));
  const meta = JSON.stringify({
    current_page: query.number,
    total_pages: totalPages(total, query.size),
    total_count: total,
    page_size: query.size,
    max_page_size: MAX_PAGE_SIZE,
    ...(hasUncounted ? { total_is_lower_bound: true } : {}),
  });
  sendDocument(response, 200, `{"data":[${data}],${writer.included}"links":${links},"meta":${meta}}`);
}

function answerByCursor<Row extends object>(
  request: Request,
  response: Response,
  resource: Resource<Row>,
  slice: Slice<Row>,
  query: ListQuery,
): void {
  const keys = sortKeys(query.page.sort, resource);
  const cursors = slice.rows.map((row) => cursorOf(row, keys));
  const writer = new ResourceWriter(resource, query);
  const data = slice.rows.map((row, index) => writer.write(row, cursors[index])).join(',');
  const links = JSON.stringify(cursorLinks(request, query, slice, cursors));
  const document = `{"data":[${data}],${writer.included}"links":${links},"meta":{}}`;
  sendDocument(response, 200, document, `${JSON_API}; profile="${CURSOR_PROFILE}"`);
}
