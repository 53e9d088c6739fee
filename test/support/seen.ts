import { appendFileSync } from 'node:fs';

/**
 * Writes down what a fault looked like, for docs/reliability.md: a line of JSON to the file of FAULTS_REPORT, when that
 * is set. Figures are told and never judged: a busy machine would fail the tests.
 */
export function seen(fault: string, figures: Readonly<Record<string, number | string>>): void {
  const file = process.env.FAULTS_REPORT;
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ fault, ...figures })}\n`);
}
