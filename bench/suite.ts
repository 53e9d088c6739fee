import type { Table } from './report.js';

/** What a suite may be told. */
export interface SuiteOptions {
  /** The directory of another checkout that is built, to be measured in the same rounds. */
  readonly beside: string | undefined;
  readonly rounds: number;
}

/** A suite measures and hands back its tables. */
export type Suite = (options: SuiteOptions) => Promise<readonly Table[]>;
