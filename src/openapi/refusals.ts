import { STATUS_CODES } from 'node:http';
import { errorsDocument } from '../json-api/errors.js';
import { WORDS } from '../json-api/words.js';
import { Refusal, type Problem } from '../refusal.js';
import type { Operation } from './operation.js';
import { requiredAttributes } from './schemas.js';

/** The errors documents of one status, by the reason that each is an example of. */
export interface RefusalsOfStatus {
  readonly status: number;
  readonly title: string;
  readonly examples: Readonly<Record<string, object>>;
}

/** Every refusal of an API's route, in the words that are really sent, by ascending status. */
export function refusalsOf(method: string, path: string, operation: Operation): RefusalsOfStatus[] {
  const { native, face, refusals = [] } = operation;
  if (native === undefined && face === undefined) return [];
  const implied = [...ofCaller(method, operation), ...ofRequest(path, operation), ...OF_ANYTHING];
  const byStatus = new Map<number, { title: string; examples: Record<string, object> }>();
  for (const problem of face ? [...refusals, ...OF_ANY_FACE] : [...refusals, ...implied]) {
    const refusal = Refusal.of([problem]);
    const { status, body } = face?.answer(refusal) ?? nativeAnswer(refusal);
    const title = STATUS_CODES[status] ?? '';
    const entry = byStatus.get(status) ?? { title, examples: {} };
    byStatus.set(status, entry);
    entry.examples[nameOf(problem)] ??= body;
  }
  return [...byStatus].map(([status, entry]) => ({ status, ...entry })).sort((a, b) => a.status - b.status);
}

/** A refusal in the words of the native API. */
export function nativeAnswer(refusal: Refusal): { status: number; body: object } {
  return { status: WORDS[refusal.reason].status, body: errorsDocument(refusal) };
}

const OF_ANY_FACE: readonly Problem[] = [
  { reason: 'payload_too_large' },
  { reason: 'internal' },
  { reason: 'unavailable' },
];

const OF_ANYTHING: readonly Problem[] = [
  { reason: 'unsupported_parameter', parameter: 'colour' },
  { reason: 'not_acceptable', header: 'Accept' },
  { reason: 'unsupported_media_type', header: 'Content-Type' },
  { reason: 'payload_too_large' },
  { reason: 'internal' },
  { reason: 'unavailable' },
];

function ofCaller(method: string, { who, readOnlyToo }: Operation): Problem[] {
  if (who === 'anyone') return [];
  const problems: Problem[] = [
    { reason: 'credentials_conflict', header: 'Authorization' },
    { reason: 'unauthenticated' },
  ];
  if (who === 'optional') return problems;
  problems.push({ reason: 'otp_required' });
  if (method !== 'GET' && !readOnlyToo) problems.push({ reason: 'read_only_session' });
  if (who === 'interactive') problems.push({ reason: 'not_interactive' });
  return problems;
}

function ofRequest(path: string, { who, native, body }: Operation): Problem[] {
  const problems: Problem[] = [];
  if (native?.query === 'list') {
    problems.push({ reason: 'unsupported_sort', parameter: 'sort' });
    problems.push({ reason: 'invalid_parameter', parameter: 'page[size]' });
    problems.push({ reason: 'too_broad' }, { reason: 'busy' });
  }
  if (native?.query !== 'one') problems.push({ reason: 'unsupported_filter', parameter: 'filter[colour]' });
  if (native?.query !== 'filter') {
    problems.push({ reason: 'unsupported_include', parameter: 'include' });
    problems.push({ reason: 'unsupported_field', parameter: `fields[${native?.resource.type}]` });
  }
  if (path.includes('{id}') && who !== 'optional') problems.push({ reason: 'not_found' });
  if (body === undefined) return problems;
  problems.push({ reason: 'invalid_document', member: 'data' });
  problems.push({ reason: 'type_mismatch', member: 'data/type' });
  if (body.named) problems.push({ reason: 'id_mismatch', member: 'data/id' });
  for (const attribute of requiredAttributes(body.shape)) problems.push({ reason: 'blank', attribute });
  return problems;
}

function nameOf({ reason, attribute }: Problem): string {
  return attribute === undefined ? reason : `${reason}_${attribute}`;
}
