import { describe, expect, it } from '@jest/globals';
import { answerCollection, answerMeta, answerNothing, answerResource } from '../../src/json-api/answer.js';
import { CURSOR_PROFILE } from '../../src/json-api/media-type.js';
import { readListQuery, readQuery } from '../../src/json-api/query.js';
import type { Slice } from '../../src/page.js';
import { asked, Recorder, slice, type Thing, thing, thingResource } from './fixtures.js';

function answerOne(query: string, row: Thing = thing('1')): Recorder {
  const recorder = new Recorder();
  const read = readQuery(asked(`/things/1?${query}`), thingResource);
  answerResource(recorder.asResponse, 201, thingResource, row, read, { location: '/api/v2/things/1' });
  return recorder;
}

function answerList(url: string, found: Slice<Thing>): Recorder {
  const recorder = new Recorder();
  const request = asked(url);
  const query = readListQuery(request, thingResource, [{ field: 'id', descending: true }]);
  answerCollection(request, recorder.asResponse, thingResource, found, query);
  return recorder;
}

const LIST = 'https://latchkey.example.com/api/v2/things';
const numbered = (number: number, size: number, kept = '') =>
  `${LIST}?${kept}page%5Bnumber%5D=${number}&page%5Bsize%5D=${size}`;

describe('one resource', () => {
  it('is answered as the document shows it, to the byte', () => {
    expect(answerOne('').text).toBe(
      '{"data":{"id":"1","type":"things","attributes":{"name":null,"owner_id":7,"done":false,' +
        '"seen_at":"2024-04-18T04:02:03.470+00:00","tags":["a"],"token":null},' +
        '"relationships":{"owner":{"meta":{"included":false}}}},"meta":{}}',
    );
  });

  it('has the headers of a JSON:API answer that nobody may keep', () => {
    const { statusCode, headers, text } = answerOne('');
    expect(statusCode).toBe(201);
    expect(Object.fromEntries(headers)).toEqual({
      'content-type': 'application/vnd.api+json',
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
      vary: 'Accept',
      location: 'https://latchkey.example.com/api/v2/things/1',
    });
  });

  it('includes what was asked for, with linkage', () => {
    const { document } = answerOne('include=owner');
    expect(document.data.relationships).toEqual({ owner: { data: { type: 'people', id: '7' } } });
    expect(document.included).toEqual([{ id: '7', type: 'people', attributes: { email: 'o@example.com' } }]);
    expect(Object.keys(document)).toEqual(['data', 'included', 'meta']);
  });

  it('says so when nothing was included, and says nothing when it was not asked for', () => {
    expect(answerOne('include=').document.included).toEqual([]);
    expect(answerOne('').document).not.toHaveProperty('included');
    const alone = answerOne('include=owner', thing('1', { owner: undefined })).document;
    expect(alone.included).toEqual([]);
    expect(alone.data.relationships.owner).toEqual({ data: null });
  });

  it('shows only the fields asked for, relationships too, and more by name', () => {
    expect(answerOne('fields[things]=hidden,name').document.data).toEqual({
      id: '1',
      type: 'things',
      attributes: { name: null, hidden: 'h' },
    });
    expect(answerOne('fields[things]=').document.data).toEqual({ id: '1', type: 'things', attributes: {} });
    expect(answerOne('fields[things]=owner').document.data.relationships).toEqual({
      owner: { meta: { included: false } },
    });
    expect(answerOne('include=owner&fields[people]=').document.included).toEqual([
      { id: '7', type: 'people', attributes: {} },
    ]);
  });
});

describe('a numbered page', () => {
  it('counts and links as the document does', () => {
    const { document } = answerList('/api/v2/things', slice([thing('55')]));
    expect(document.links).toEqual({ first: numbered(1, 30), last: numbered(1, 30) });
    expect(document.meta).toEqual({
      current_page: 1,
      total_pages: 1,
      total_count: 1,
      page_size: 30,
      max_page_size: 200,
    });
    expect(Object.keys(document)).toEqual(['data', 'links', 'meta']);
  });

  it('links to its neighbours where there are any', () => {
    const links = (number: number, total: number) =>
      answerList(`/api/v2/things?page[number]=${number}&page[size]=10`, slice([], { total })).document.links;
    expect(links(2, 25)).toEqual({
      first: numbered(1, 10),
      last: numbered(3, 10),
      prev: numbered(1, 10),
      next: numbered(3, 10),
    });
    expect(links(1, 25).prev).toBeUndefined();
    expect(links(3, 25).next).toBeUndefined();
    expect(links(9, 25)).toEqual({ first: numbered(1, 10), last: numbered(3, 10), prev: numbered(3, 10) });
    expect(links(1, 0)).toEqual({ first: numbered(1, 10), last: numbered(1, 10) });
  });

  it('of a list that was not counted to its end has no last one, and says that the total is a lower bound', () => {
    const found = { total: 10_000, hasUncounted: true };
    const ask = (number: number, hasNext: boolean) =>
      answerList(`/api/v2/things?page[number]=${number}&page[size]=10`, slice([], { ...found, hasNext }))
        .document;
    const { links, meta } = ask(7_000, true);
    expect(links).toEqual({ first: numbered(1, 10), prev: numbered(6_999, 10), next: numbered(7_001, 10) });
    expect(meta).toMatchObject({ total_count: 10_000, total_pages: 1_000, total_is_lower_bound: true });
    expect(ask(7_000, false).links.next).toBeUndefined();
    expect(ask(100_001, true).links.next).toBeUndefined(); // past what can be reached by number
  });

  it('of nothing has no pages', () => {
    const { document } = answerList('/api/v2/things', slice([]));
    expect(document.data).toEqual([]);
    expect(document.meta).toMatchObject({ total_pages: 0, total_count: 0 });
  });

  it('keeps the other parameters in its links, encoded, and shows the size it was cut to', () => {
    const { document } = answerList('/api/v2/things?filter[name]=a%26b&page[size]=900&sort=-id', slice([]));
    expect(document.links.first).toBe(numbered(1, 200, 'filter%5Bname%5D=a%26b&sort=-id&'));
    expect(document.meta.page_size).toBe(200);
  });

  it('includes each resource once', () => {
    const { document } = answerList('/api/v2/things?include=owner', slice([thing('2'), thing('1')]));
    expect(document.included).toHaveLength(1);
    expect(document.data).toHaveLength(2);
  });
});

describe('a page by cursor', () => {
  const page = (query: string, found: Slice<Thing>) =>
    answerList(`/api/v2/things?${query}`, { ...found, total: null });
  const by = (member: string, cursor: string) => `${LIST}?page%5B${member}%5D=${cursor}&page%5Bsize%5D=2`;

  it('names the profile, a cursor for each item, and both neighbours', () => {
    const answer = page('page[after]=&page[size]=2', slice([thing('2'), thing('1')], { hasNext: true }));
    const { document } = answer;
    expect(answer.headers.get('content-type')).toBe(`application/vnd.api+json; profile="${CURSOR_PROFILE}"`);
    const cursors = document.data.map(
      (item: { meta: { page: { cursor: string } } }) => item.meta.page.cursor,
    );
    expect(document.links).toEqual({ first: by('after', ''), prev: null, next: by('after', cursors[1]) });
    expect(document.meta).toEqual({});
    expect(page(document.links.next.split('?')[1], slice([])).document.links.next).toBeNull();
  });

  it('leads back from beyond an end', () => {
    const { links } = page('page[after]=&page[size]=2', slice([], { hasPrevious: true })).document;
    expect(links).toEqual({ first: by('after', ''), prev: by('before', ''), next: null });
  });
});

describe('other answers', () => {
  it('hold meta alone, or nothing', () => {
    const meta = new Recorder();
    answerMeta(meta.asResponse, 200, { revoked: 3 });
    expect(meta.text).toBe('{"meta":{"revoked":3}}');
    const nothing = new Recorder();
    answerNothing(nothing.asResponse);
    expect([nothing.statusCode, nothing.text, nothing.headers.get('cache-control')]).toEqual([
      204,
      '',
      'no-store',
    ]);
  });
});
