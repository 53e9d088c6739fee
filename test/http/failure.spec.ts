import { describe, expect, it } from '@jest/globals';
import { BadRequestException, HttpException, NotFoundException } from '@nestjs/common';
import {
  QueryFailedError,
  QueryRunnerAlreadyReleasedError,
  QueryRunnerProviderAlreadyReleasedError,
} from 'typeorm';
import { asRefusal, describeError } from '../../src/http/failure.js';
import { Refusal } from '../../src/refusal.js';

const reason = (error: unknown) => asRefusal(error)?.reason ?? null;
const failing = (message: string, properties: object = {}) => Object.assign(new Error(message), properties);
const postgres = (code: string, message = 'x') =>
  new QueryFailedError('SELECT $1', ['s3cr3t'], failing(message, { code, detail: 's3cr3t' }));
const parser = (status: number, type: string) =>
  failing('x', { expose: true, status, statusCode: status, type });

describe('asRefusal', () => {
  it('leaves a refusal as it is, wrapped or not', () => {
    const refusal = new Refusal('wrong_code', { attribute: 'otp' });
    expect(asRefusal(refusal)).toBe(refusal);
    expect(asRefusal(new Error('around it', { cause: refusal }))).toBe(refusal);
  });

  it.each([
    ['refused', failing('connect', { code: 'ECONNREFUSED' })],
    ['refused on every address', new AggregateError([failing('connect', { code: 'ECONNREFUSED' })])],
    ['reset', failing('read', { code: 'ECONNRESET' })],
    ['no more files in the process', failing('connect', { code: 'EMFILE' })],
    ['no more files in the machine', failing('connect', { code: 'ENFILE' })],
    ['no answer', failing('connect', { code: 'ETIMEDOUT' })],
    ['cut', failing('Connection terminated unexpectedly')],
    ['pool exhausted', failing('timeout exceeded when trying to connect')],
    ['slow', failing('Query read timeout')],
    ['dead client', failing('Client has encountered a connection error and is not queryable')],
    ['pool closed', failing('Cannot use a pool after calling end on the pool')],
    ['TypeORM not connected', failing('Driver not Connected')],
    ['dead under a transaction', new QueryRunnerAlreadyReleasedError()],
    ['dead between two statements of one', new QueryRunnerProviderAlreadyReleasedError()],
    ...[
      '57P01',
      '57P02',
      '57P03',
      '57014',
      '55P03',
      '08006',
      '08001',
      '53300',
      '53100',
      '25006',
      '40001',
      '40P01',
    ].map((code): [string, Error] => [code, postgres(code)]),
  ])('calls the database unavailable: %s', (_, error) => {
    expect(asRefusal(error)).toMatchObject({ reason: 'unavailable', retryAfterSeconds: expect.any(Number) });
  });

  it.each([
    ['a value of the wrong type', postgres('22P02')],
    ['a violated constraint', postgres('23505')],
    ['wrong SQL', postgres('42601')],
    ['a plain error', new Error('x')],
    ['a parser not of a path', new URIError('URI malformed')],
    ['a status of its own making', failing('x', { status: 404 })],
    ['no error at all', 'x'],
    ['nothing', undefined],
  ])('takes %s for a bug', (_, error) => {
    expect(asRefusal(error)).toBeNull();
  });

  it.each([
    [parser(413, 'entity.too.large'), 'payload_too_large'],
    [parser(415, 'encoding.unsupported'), 'unsupported_media_type'],
    [parser(400, 'request.aborted'), 'bad_request'],
    [parser(400, 'request.size.invalid'), 'bad_request'],
  ])('says what the body parser found, wrapped by Nest or not: %s', (error, expected) => {
    expect(reason(error)).toBe(expected);
    const { status, message } = error as Error & { status: number };
    expect(reason(new HttpException(message, status, { cause: error }))).toBe(expected);
  });

  it('says what the router found', () => {
    expect(reason(new NotFoundException('Cannot GET /x'))).toBe('route_unknown');
    const broken = Object.assign(new URIError('Failed to decode param'), { status: 400 });
    expect(reason(new BadRequestException('x', { cause: broken }))).toBe('bad_request');
  });
});

describe('describeError', () => {
  it('tells where a bug is', () => {
    const { type, message, stack } = describeError(new TypeError('x is not a function'));
    expect({ type, message }).toEqual({ type: 'TypeError', message: 'x is not a function' });
    expect(stack).toMatch(/^\s+at .*failure\.spec/);
  });

  it('keeps what users sent out of the log (SECURITY 53, 113)', () => {
    const errors = [postgres('22P02', 'invalid input syntax for type bigint: "s3cr3t"')];
    try {
      JSON.parse('{"password":"s3cr3t"');
    } catch (error) {
      errors.push(error as QueryFailedError);
    }
    for (const error of [...errors, 's3cr3t'])
      expect(JSON.stringify(describeError(error))).not.toContain('s3cr3t');
    expect(describeError(errors[0])).toMatchObject({ type: 'QueryFailedError', message: 'SQLSTATE 22P02' });
  });
});
