import { DataSource, type EntityManager } from 'typeorm';
import type { SessionMark } from '../caller.js';
import { Refusal } from '../refusal.js';
import { dataSourceOptions, type Statements } from './data-source.js';
import { prepared } from './prepared.js';

/** A replica that takes longer than this to let a transaction begin is away. */
const BEGINS_WITHIN_MILLISECONDS = 1_000;
/** How long lists go to the primary, without asking, once the replica was away. */
const LEFT_ALONE_MILLISECONDS = 2_000;
/** A statement that took too long: it would on the primary too. */
const CANCELLED = '57014';
/** What the replica had to give up because of what it was told by the primary: it is well all the same. */
const CONFLICT = '40001';

/** Who answered a list: the replica, or the primary because that one was behind or away. */
type Answerer = 'replica' | 'behind' | 'away';

/** How to reach a replica; the address with the password. */
interface ReplicaOptions {
  readonly url: string;
  readonly poolSize: number;
  readonly statements: Statements;
}

/**
 * The streaming replica, for lists: they may be a moment old, but never older than what the caller did last. Whatever
 * goes wrong with it, the primary answers; nothing waits for a replica that is away, and the service starts without it.
 * TypeORM's own `replication` is not used: it does not start unless every replica answers.
 */
export class Replica {
  private listener: (answerer: Answerer) => void = () => undefined;
  private readonly replica: DataSource | null;
  private isWell = false;
  private looking: Promise<void> | null = null;
  private lookAgainAt = 0;

  /**
   * @param options null without a replica: then the primary answers everything
   * @param notice told in one line when the replica is lost and found
   */
  constructor(
    private readonly primary: DataSource,
    options: ReplicaOptions | null,
    private readonly notice: (line: string) => void,
  ) {
    this.replica = options && new DataSource(impatient(options));
  }

  get isConfigured(): boolean {
    return this.replica !== null;
  }

  /** Tells the listener of every list that might have come from the replica. */
  onRead(listener: (answerer: Answerer) => void): void {
    this.listener = listener;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.looking;
    if (this.replica?.isInitialized) await this.replica.destroy();
  }

  /**
   * Runs what reads on the replica if that shows the caller's session as the primary did when it recognised them, else
   * on the primary.
   * @param mark of the caller's session; null for what only the primary may answer
   * @param work statements that write nothing; may run twice
   */
  async read<T>(
    mark: SessionMark | null,
    work: (runner: DataSource | EntityManager) => Promise<T>,
  ): Promise<T> {
    if (this.replica === null || mark === null) return work(this.primary);
    const answer = this.isWell ? await this.ask(this.replica, mark, work) : 'away';
    this.listener(typeof answer === 'object' ? 'replica' : answer);
    if (typeof answer === 'object') return answer.value;
    if (!this.isWell) this.look(this.replica);
    return work(this.primary);
  }

  private async ask<T>(
    replica: DataSource,
    mark: SessionMark,
    work: (runner: EntityManager) => Promise<T>,
  ): Promise<{ value: T } | 'behind' | 'away'> {
    try {
      return (await inTransaction(replica, mark, work)) ?? 'behind';
    } catch (error) {
      const { code } = error as { code?: string };
      if (error instanceof Refusal || code === CANCELLED) throw error;
      if (code !== CONFLICT) this.lose();
      return 'away';
    }
  }

  private lose(): void {
    this.lookAgainAt = performance.now() + LEFT_ALONE_MILLISECONDS;
    if (this.isWell) this.notice('The replica is away: lists go to the primary');
    this.isWell = false;
  }

  /** Whether the replica is back: one look at a time, beside the requests. */
  private look(replica: DataSource): void {
    if (this.looking !== null || performance.now() < this.lookAgainAt) return;
    this.looking = reach(replica).then(
      () => {
        this.isWell = true;
        this.looking = null;
        this.notice('The replica answers: lists go to it');
      },
      () => {
        this.lose();
        this.looking = null;
      },
    );
  }
}

function impatient({ url, poolSize, statements }: ReplicaOptions) {
  const options = dataSourceOptions(url, poolSize, {}, statements);
  const extra = {
    ...(options.extra as object),
    connectionTimeoutMillis: BEGINS_WITHIN_MILLISECONDS,
    application_name: 'latchkey lists',
  };
  return { ...options, extra };
}

async function reach(replica: DataSource): Promise<void> {
  if (!replica.isInitialized) await replica.initialize();
  await replica.query(soon('SELECT 1'));
}

/** A statement that has to be answered at once; TypeORM hands it to pg as it is, though it declares a string. */
function soon(text: string): string {
  return { text, query_timeout: BEGINS_WITHIN_MILLISECONDS } as unknown as string;
}

/**
 * One transaction, so that the check and the list see the same moment of the same server, also where a pooler stands
 * before several. The primary writes its log in the order of its commits, and the replica shows them in that order: what
 * shows the session's mark shows whatever was answered before it.
 * @returns null when the replica does not show it yet
 */
async function inTransaction<T>(
  replica: DataSource,
  { sessionId, version, writeMark }: SessionMark,
  work: (runner: EntityManager) => Promise<T>,
): Promise<{ value: T } | null> {
  const runner = replica.createQueryRunner();
  try {
    await runner.query(soon('START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY'));
    try {
      const shown = await prepared(
        runner.manager,
        'replica_shows_session',
        // Below every room, since users are listed too; nothing else here knows a table.
        'SELECT id FROM sessions WHERE id = $1 AND version >= $2 AND write_mark >= $3',
        [sessionId, version, writeMark],
      );
      return shown.length === 1 ? { value: await work(runner.manager) } : null;
    } finally {
      await runner.query('COMMIT');
    }
  } finally {
    await runner.release();
  }
}
