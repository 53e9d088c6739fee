/** What every client library is asked to do, in the library's own way. */
export interface SessionClient {
  /** @throws whatever the library throws for a refusal */
  create(attributes: Record<string, unknown>): Promise<{ id: string; token: string }>;
  /** From here on requests carry this. */
  use(token: string): void;
  /** Sessions, newest first, each with its user. */
  page(number: number, size: number): Promise<{ ids: string[]; emails: string[]; total: number }>;
  /** The new name as the library has it afterwards. */
  rename(id: string, name: string): Promise<string>;
  destroy(id: string): Promise<void>;
  /** Which attributes the library finds refused in what it threw, in order, and for what. */
  fieldsOf(refusal: unknown): Record<string, string>;
}

/** An error object that points at an attribute. */
export interface PointingError {
  readonly source: { readonly pointer: string };
  readonly detail: string;
}

/** For libraries that hand over the error objects as they came. */
export function pointedAt(errors: readonly PointingError[]): Record<string, string> {
  const fields = errors.map(({ source, detail }) => [source.pointer.replace('data/attributes/', ''), detail]);
  return Object.fromEntries(fields) as Record<string, string>;
}
