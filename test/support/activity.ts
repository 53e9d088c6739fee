import { Activity } from '../../src/sessions/activity.js';
import type { Latchkey } from './latchkey.js';

/**
 * Takes the writing of activity out of the hands of its timer, which nothing can wait for.
 * @returns writes what was gathered
 */
export function activityByHand(latchkey: Latchkey): () => Promise<void> {
  const activity = latchkey.app.get(Activity, { strict: false });
  clearInterval((activity as unknown as { timer: NodeJS.Timeout }).timer);
  return () => activity.flush();
}
