import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until something holds that nothing announces; the test's own time limit ends it when it never does. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(5);
}
