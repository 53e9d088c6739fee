import type { Socket } from 'node:net';
import pg from 'pg';
import { DescribedOnce, type Answer, type Named } from './described-once.js';
import { readInstant } from './read-instant.js';

type Submit = (...args: unknown[]) => unknown;

/** What may stand in the pool's options beside those of pg. */
interface ClientConfig extends pg.ClientConfig {
  /** Statements are sent without their names: the next one may run on another connection of a pooler. */
  readonly forgetsNames?: boolean;
  /** How long the server may say nothing while something is asked of it; 0 for ever. */
  readonly silentMilliseconds?: number;
}

/** The inside of pg's client, of which its types say nothing; a test holds pg to it. */
interface Inside {
  readonly connection: { readonly stream: Socket };
  /** Whether nothing is asked of the server. */
  readonly readyForQuery: boolean;
}

/**
 * A connection that is given up once a statement on it got no answer in time. pg itself would hand it back to
 * the pool, where every later statement waits behind the one that was abandoned. Named statements are described once on
 * it, or go without their names.
 */
export class ImpatientClient extends pg.Client {
  constructor(config?: ClientConfig) {
    super(config);
    // Whoever uses the connection learns of its end by what it asks, and the pool drops it. But between the pool and
    // TypeORM there is a moment in which nobody listens, and an 'error' that nobody hears ends the process.
    this.on('error', () => undefined);
    const { silentMilliseconds = 0 } = config ?? {};
    if (silentMilliseconds > 0) this.once('connect', () => this.giveUpAfterSilenceOf(silentMilliseconds));
    this.setTypeParser(pg.types.builtins.TIMESTAMPTZ, readInstant);
    const submit = this.query.bind(this) as Submit;
    this.query = ((statement: unknown, ...rest: unknown[]) => {
      const answer = hasName(statement)
        ? config?.forgetsNames
          ? submit({ ...statement, name: undefined }, ...rest)
          : submitNamed(submit, statement, rest)
        : submit(statement, ...rest);
      if (answer instanceof Promise) answer.catch((error: unknown) => this.giveUpAfter(error));
      return answer;
    }) as typeof this.query;
  }

  private giveUpAfter(error: unknown): void {
    if (error instanceof Error && error.message === 'Query read timeout') {
      (this as unknown as Inside).connection.stream.destroy();
    }
  }

  /** pg's own `query_timeout` starts a timer for every statement. */
  private giveUpAfterSilenceOf(milliseconds: number): void {
    const inside = this as unknown as Inside;
    const { stream } = inside.connection;
    stream.setTimeout(milliseconds);
    stream.on('timeout', () => {
      if (!inside.readyForQuery) stream.destroy(new Error('Query read timeout'));
    });
  }
}

/** In pg's three ways to ask: for a promise with the values beside the statement, or with a callback and them in either place. */
function submitNamed(submit: Submit, statement: Named, rest: readonly unknown[]): unknown {
  const values = Array.isArray(rest[0]) ? rest[0] : statement.values;
  const answer = rest.at(-1);
  if (typeof answer === 'function') return submit(new DescribedOnce(statement, values, answer as Answer));
  return new Promise((resolve, reject) => {
    submit(
      new DescribedOnce(statement, values, (error, result) => (error ? reject(error) : resolve(result))),
    );
  });
}

function hasName(statement: unknown): statement is Named {
  return typeof statement === 'object' && statement !== null && 'name' in statement;
}
