/** A query that cannot be answered. `bad_data`: it is wrong or not supported; `execution`: these samples do not allow it. */
export class QueryError extends Error {
  readonly kind: 'bad_data' | 'execution' | 'timeout' | 'canceled';
  constructor(kind: 'bad_data' | 'execution' | 'timeout' | 'canceled', message: string) {
    super(message);
    this.name = 'QueryError';
    this.kind = kind;
  }
}
