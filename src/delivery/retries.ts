import { setTimeout as sleep } from 'node:timers/promises';

/** Seconds to wait before each further try. */
export const PAUSES_SECONDS: readonly number[] = [1, 5, 25];

/** Where failed deliveries are told of; never whom they were for or what they said. */
export interface DeliveryLog {
  warn(fields: object, message: string): void;
}

/** The other side said that it will not take it, whenever it is asked. */
export class NeverTaken extends Error {
  constructor(readonly responseCode: number) {
    super(`answered ${responseCode}`);
  }
}

/**
 * Tries to deliver until the other side takes it, with pauses between the tries. It never fails: what could not be
 * delivered is told of in the log.
 * @param stop cuts the pauses short: what is left of the tries is made at once
 */
export async function deliver(
  work: () => Promise<unknown>,
  { what, pausesSeconds, stop, log }: DeliveryTerms,
): Promise<void> {
  for (const pauseSeconds of [...pausesSeconds, null]) {
    try {
      await work();
      return;
    } catch (error) {
      const { code, responseCode } = error as { code?: string; responseCode?: number };
      const again = pauseSeconds !== null && !(error instanceof NeverTaken);
      log.warn({ code, responseCode }, again ? `${what} not sent, will be tried again` : `${what} not sent`);
      if (!again) return;
      await sleep(pauseSeconds * 1000, undefined, { signal: stop, ref: false }).catch(() => undefined);
    }
  }
}

interface DeliveryTerms {
  /** What it is, in a word for the log. */
  readonly what: string;
  readonly pausesSeconds: readonly number[];
  readonly stop: AbortSignal;
  readonly log: DeliveryLog;
}
