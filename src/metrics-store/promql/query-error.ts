/** A query that cannot be answered. `bad_data`: it is wrong or not supported; `execution`: these samples do not allow it. */
export class QueryError extends Error {
  readonly kind: 'bad_data' | 'execution' | 'timeout' | 'canceled';
  override readonly name = 'QueryError';
  constructor(kind: QueryError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}
