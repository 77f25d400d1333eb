/** What is sent back for one HTTP request. */
export interface Reply {
  readonly status: number;
  /** Written as JSON; a Buffer is sent as it is. Undefined: no body. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | string[]>>;
}
