/**
 * Does a piece of work one run at a time, and all who ask for it before a run begins share that run: however many ask,
 * one runs and one is in line. With keys, that holds for the work of each; a key that is idle is forgotten.
 */
export class Coalescing<Key = void> {
  private readonly next = new Map<Key, Promise<void>>();
  /** The run of a key that was asked for last: it is in line, or under way. */
  private readonly last = new Map<Key, Promise<void>>();

  /** @param work what is done for a key */
  constructor(private readonly work: (key: Key) => Promise<void>) {}

  /**
   * Asks for a run that begins after this call.
   * @returns when it is over; what it throws, all who share it are told, and the run after it begins all the same
   */
  run(key: Key): Promise<void> {
    const inLine = this.next.get(key);
    if (inLine !== undefined) return inLine;
    const run = this.runAfter(this.last.get(key), key);
    this.next.set(key, run);
    this.last.set(key, run);
    return run;
  }

  private async runAfter(before: Promise<void> | undefined, key: Key): Promise<void> {
    await before?.catch(() => undefined); // in any case a moment later: who asks until then has a share in it
    this.next.delete(key);
    try {
      await this.work(key);
    } finally {
      if (!this.next.has(key)) this.last.delete(key);
    }
  }
}
