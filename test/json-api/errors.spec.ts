import { describe, expect, it } from '@jest/globals';
import { writeErrors } from '../../src/json-api/errors.js';
import { WORDS } from '../../src/json-api/words.js';
import { type Reason, Refusal } from '../../src/refusal.js';
import { Recorder } from './fixtures.js';

function written(refusal: Refusal): Recorder {
  const recorder = new Recorder();
  writeErrors(recorder.asResponse, refusal);
  return recorder;
}
const error = (refusal: Refusal) => written(refusal).document.errors[0];

describe('an errors document', () => {
  it.each(Object.keys(WORDS) as Reason[])('has words and a matching status for %s', (reason) => {
    const { statusCode, document, headers } = written(new Refusal(reason));
    expect(Object.keys(document)).toEqual(['errors']);
    expect(document.errors).toHaveLength(1);
    const { status, code, title, detail, source } = document.errors[0];
    expect(status).toBe(String(statusCode));
    for (const word of [code, title, detail]) expect(word).toMatch(/\S/);
    expect(Object.keys(source).length).toBeLessThanOrEqual(1);
    expect(headers.get('content-type')).toBe('application/vnd.api+json');
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('says 401 in one way, whatever it knows, and how to sign in', () => {
    const refusal = new Refusal('unauthenticated', { attribute: 'email', detail: 'no such user' });
    expect(written(refusal).text).toBe(
      '{"errors":[{"status":"401","code":"invalid_auth_token","title":"Unauthenticated","detail":"You are not authenticated","source":{}}]}',
    );
    expect(written(refusal).headers.get('www-authenticate')).toBe('Bearer realm="latchkey"');
  });

  it('says 403 and 422 as the document does', () => {
    expect(error(new Refusal('otp_window_passed'))).toEqual({
      status: '403',
      code: 'validation_time_expired',
      title: 'Access Denied',
      detail: 'You are not authorized to access this resource',
      source: {},
    });
    expect(error(new Refusal('blank', { attribute: 'name' }))).toEqual({
      status: '422',
      code: 'invalid_attribute',
      title: 'Invalid Attribute',
      detail: "can't be blank",
      source: { pointer: 'data/attributes/name' },
    });
    expect(error(new Refusal('wrong_code', { attribute: 'otp' })).detail).toBe('attribute is invalid');
  });

  it('points at the member, parameter or header at fault', () => {
    expect(error(new Refusal('type_mismatch', { member: 'data/type' })).source).toEqual({
      pointer: 'data/type',
    });
    expect(error(new Refusal('invalid_parameter', { parameter: 'page[size]' })).source).toEqual({
      parameter: 'page[size]',
    });
    expect(error(new Refusal('not_acceptable', { header: 'Accept' })).source).toEqual({ header: 'Accept' });
    expect(error(new Refusal('credentials_conflict')).source).toEqual({ header: 'Authorization' });
    expect(error(new Refusal('bad_request', { detail: 'because' })).detail).toBe('because');
  });

  it('names every problem, under the most generally applicable status', () => {
    const wrong = Refusal.of([
      { reason: 'blank', attribute: 'name' },
      { reason: 'not_settable', attribute: 'done' },
    ]);
    expect(written(wrong).statusCode).toBe(422);
    expect(written(wrong).document.errors).toHaveLength(2);
    expect(written(Refusal.of([{ reason: 'blank' }, { reason: 'conflict' }])).statusCode).toBe(400);
    expect(written(Refusal.of([{ reason: 'internal' }, { reason: 'conflict' }])).statusCode).toBe(500);
  });

  it('says what else may be done, or when', () => {
    const wrongMethod = new Refusal('method_not_allowed', { allow: ['GET', 'HEAD'] });
    expect(written(wrongMethod).headers.get('allow')).toBe('GET, HEAD');
    expect(written(new Refusal('busy')).headers.get('retry-after')).toBe('2');
    expect(
      written(new Refusal('too_many_sign_ins', { retryAfterSeconds: 30 })).headers.get('retry-after'),
    ).toBe('30');
    expect(written(new Refusal('forbidden')).headers.has('retry-after')).toBe(false);
  });

  it('names the error types of the cursor profile', () => {
    const profile = 'https://jsonapi.org/profiles/ethanresnick/cursor-pagination/';
    expect(error(new Refusal('page_too_large', { parameter: 'page[size]' }))).toMatchObject({
      links: { type: `${profile}max-size-exceeded` },
      source: { parameter: 'page[size]' },
      meta: { page: { maxSize: 200 } },
    });
    expect(error(new Refusal('unsupported_cursor_sort')).links.type).toBe(`${profile}unsupported-sort`);
    expect(error(new Refusal('range_pagination')).links.type).toBe(
      `${profile}range-pagination-not-supported`,
    );
  });
});
