import { randomUUID } from 'node:crypto';
import cluster from 'node:cluster';
import { AggregatorRegistry, type Registry } from 'prom-client';
import { Refusal } from '../refusal.js';

/** A worker asks its primary for everybody's figures; the answer has the same id, and no text when there is none. */
interface Question {
  readonly figuresFor: string;
}
interface Answer extends Question {
  readonly text: string | null;
}

/** Beyond the 5 seconds in which the primary gives up on a worker that does not say its own. */
const ANSWERED_WITHIN_MILLISECONDS = 6_000;
const RETRY_AFTER_SECONDS = 5;

/** Whether this process is one of several that serve requests, so that its own figures are only a part of them. */
export const isOneOfMany = cluster.isWorker;

/** In a worker: lets the primary gather what the registry holds. */
export function contribute(registry: Registry): void {
  AggregatorRegistry.setRegistries([registry]);
  new AggregatorRegistry(); // listens for the primary's question
}

/** In the primary: answers each worker that asks with the figures of all. */
export function answerForAll(): void {
  const everybody = new AggregatorRegistry();
  cluster.on('message', (worker, message: Partial<Question>) => {
    const { figuresFor } = message;
    if (figuresFor === undefined) return;
    const answer = (text: string | null) => {
      if (worker.isConnected()) worker.send({ figuresFor, text } satisfies Answer);
    };
    everybody.clusterMetrics().then(answer, () => answer(null));
  });
}

/** In a worker: the figures of all, in Prometheus's text format. @throws Refusal unavailable while one does not say its own */
export async function figuresOfAll(): Promise<string> {
  const figuresFor = randomUUID();
  const text = await new Promise<string | null>((resolve) => {
    const settle = (found: string | null) => {
      process.off('message', listen);
      clearTimeout(timer);
      resolve(found);
    };
    const listen = (message: Partial<Answer>) => {
      if (message.figuresFor === figuresFor) settle(message.text ?? null);
    };
    const timer = setTimeout(() => settle(null), ANSWERED_WITHIN_MILLISECONDS);
    process.on('message', listen);
    process.send?.({ figuresFor } satisfies Question);
  });
  if (text === null) throw new Refusal('unavailable', { retryAfterSeconds: RETRY_AFTER_SECONDS });
  return text;
}
