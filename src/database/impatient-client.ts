import pg from 'pg';
import { DescribedOnce } from './described-once.js';

type Submit = (...args: unknown[]) => unknown;

/** What may stand in the pool's options beside those of pg. */
interface ClientConfig extends pg.ClientConfig {
  /** Statements are sent without their names: the next one may run on another connection of a pooler. */
  readonly forgetsNames?: boolean;
}

/**
 * A connection that is given up once a statement on it got no answer in time. pg itself would hand it back to
 * the pool, where every later statement waits behind the one that was abandoned.
 */
export class ImpatientClient extends pg.Client {
  constructor(config?: ClientConfig) {
    super(config);
    // Whoever uses the connection learns of its end by what it asks, and the pool drops it. But between the pool and
    // TypeORM there is a moment in which nobody listens, and an 'error' that nobody hears ends the process.
    this.on('error', () => undefined);
    const submit = this.query.bind(this) as Submit;
    this.query = ((statement: unknown, ...rest: unknown[]) => {
      const answer = !isNamed(statement)
        ? submit(statement, ...rest)
        : config?.forgetsNames
          ? submit({ ...statement, name: undefined }, ...rest)
          : typeof rest.at(-1) === 'function'
            ? submit(statement, ...rest) // as the pool does for the counters of attempts
            : DescribedOnce.run(submit, statement, rest[0]);
      if (answer instanceof Promise) answer.catch((error: unknown) => this.giveUpAfter(error));
      return answer;
    }) as typeof this.query;
  }

  private giveUpAfter(error: unknown): void {
    if (error instanceof Error && error.message === 'Query read timeout') {
      (this as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    }
  }
}

function isNamed(statement: unknown): statement is { readonly name: string } {
  return typeof statement === 'object' && statement !== null && 'name' in statement;
}
