/**
 * Every reason for which Latchkey says no. Each API owns one table reason → status, code, words, written
 * `satisfies Record<Reason, …>`, so a reason that an API cannot say does not compile.
 */
export type Reason =
  // who asks
  | 'unauthenticated'
  | 'credentials_conflict'
  | 'otp_required'
  | 'otp_window_passed'
  | 'read_only_session'
  | 'not_interactive'
  | 'forbidden'
  | 'last_administrator'
  | 'user_closed'
  | 'step_up_required'
  | 'origin_not_allowed'
  // what is asked for
  | 'not_found'
  | 'conflict'
  | 'two_factor_already_on'
  | 'enrollment_expired'
  | 'session_over'
  | 'session_expired'
  | 'verification_over'
  | 'verification_missing'
  | 'verification_out_of_order'
  | 'code_not_sent'
  | 'strategy_unavailable'
  | 'organization_unknown'
  // attributes of the resource that was sent
  | 'blank'
  | 'invalid'
  | 'too_long'
  | 'too_short'
  | 'too_common'
  | 'taken'
  | 'not_settable'
  | 'wrong_code'
  | 'wrong_password'
  // limits
  | 'too_many_sign_ins'
  | 'too_many_codes'
  | 'too_many_codes_sent'
  | 'channel_unavailable'
  | 'busy'
  | 'unavailable'
  // the request as HTTP and as a document
  | 'bad_request'
  | 'unsupported_parameter'
  | 'unsupported_filter'
  | 'unsupported_sort'
  | 'unsupported_include'
  | 'unsupported_field'
  | 'invalid_parameter'
  | 'secret_in_query'
  | 'page_too_large'
  | 'too_broad'
  | 'unsupported_cursor_sort'
  | 'range_pagination'
  | 'invalid_document'
  | 'type_mismatch'
  | 'id_mismatch'
  | 'client_generated_id'
  | 'route_unknown'
  | 'method_not_allowed'
  | 'not_acceptable'
  | 'payload_too_large'
  | 'headers_too_large'
  | 'unsupported_media_type'
  | 'internal';

/** Where in the request the mistake is, in the core's own terms. At most one of the places is named. */
export interface Problem {
  readonly reason: Reason;
  /** The attribute of the resource that was sent, e.g. `email`. */
  readonly attribute?: string;
  /** A place in the document that is no attribute, e.g. `data/type`. */
  readonly member?: string;
  /** The query parameter, as written in the request, e.g. `page[size]`. */
  readonly parameter?: string;
  /** The request header, e.g. `Accept`. */
  readonly header?: string;
  /** A sentence that says more than the reason's own words; never repeats a secret or any value sent. */
  readonly detail?: string;
}

interface RefusalExtras {
  /** Whole seconds after which it makes sense to try again. */
  readonly retryAfterSeconds?: number;
  /** For `method_not_allowed`: the methods that the path does know. */
  readonly allow?: readonly string[];
}

/**
 * The one error class that services throw: an expected no, with a reason out of a closed union. It carries no
 * HTTP status. Whatever else is thrown is a bug.
 */
export class Refusal extends Error {
  readonly problems: readonly [Problem, ...Problem[]];
  readonly retryAfterSeconds: number | undefined;
  readonly allow: readonly string[] | undefined;

  constructor(reason: Reason, where: Omit<Problem, 'reason'> & RefusalExtras = {}) {
    super(reason);
    this.name = 'Refusal';
    const { retryAfterSeconds, allow, ...place } = where;
    this.problems = [{ reason, ...place }];
    this.retryAfterSeconds = retryAfterSeconds;
    this.allow = allow;
  }

  /** One refusal that names several problems at once, e.g. every attribute that is wrong. */
  static of(problems: readonly [Problem, ...Problem[]]): Refusal {
    const refusal = new Refusal(problems[0].reason);
    Object.assign(refusal, { problems });
    return refusal;
  }

  /** The reason of the first problem. */
  get reason(): Reason {
    return this.problems[0].reason;
  }
}
