/** What every command takes. */
export interface Common {
  /** One JSON object a line instead of tables and sentences. */
  readonly json: boolean;
  /** Audit lines to standard error. */
  readonly audit: boolean;
}
