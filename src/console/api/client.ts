import type { Token } from './token.ts';

/** What the API said instead of an answer, or that it said nothing. */
export class ApiError extends Error {
  /** 0: there was no answer. */
  readonly status: number;
  readonly code: string;
  readonly fields: readonly { readonly pointer: string; readonly message: string }[];
  constructor(status: number, problem: { code?: string; detail?: string; errors?: ApiError['fields'] }) {
    super(problem.detail ?? `The member answered ${status}.`);
    this.name = 'ApiError';
    this.status = status;
    this.code = problem.code ?? 'unknown';
    this.fields = problem.errors ?? [];
  }
}

const ANSWER_WITHIN_MS = 20_000;

/** The admin API of the member that served this page; never any other host. */
export class ApiClient {
  readonly #token: Token;

  constructor(token: Token) {
    this.#token = token;
  }

  async get<T>(path: string): Promise<T> {
    const answer = await this.#call(path, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    return (await answer.json()) as T;
  }

  async put(path: string, body: unknown): Promise<void> {
    const headers = { 'Content-Type': 'application/json' };
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    await this.#call(path, { method: 'PUT', headers, body: JSON.stringify(body), signal });
  }

  async delete(path: string): Promise<void> {
    await this.#call(path, { method: 'DELETE', signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  }

  /** A stream is read with fetch, not EventSource: the token goes in a header and never in an address. */
  async stream(path: string, options: { lastId: string | undefined; signal: AbortSignal }): Promise<ReadableStream> {
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (options.lastId !== undefined) headers['Last-Event-ID'] = options.lastId;
    const { body } = await this.#call(path, { headers, signal: options.signal });
    if (!body) throw new ApiError(0, { detail: 'The stream of events is empty.' });
    return body;
  }

  async #call(path: string, init: RequestInit): Promise<Response> {
    const token = this.#token.current();
    const headers = { ...init.headers, ...(token && { Authorization: `Bearer ${token}` }) };
    let answer: Response;
    try {
      answer = await fetch(path, { ...init, headers, credentials: 'same-origin', cache: 'no-store' });
    } catch (error) {
      if (init.signal?.aborted && (init.signal.reason as Error)?.name !== 'TimeoutError') throw error;
      throw new ApiError(0, { code: 'no-answer', detail: 'The member does not answer.' });
    }
    if (answer.ok) return answer;
    if (answer.status === 401) this.#token.refused(token);
    throw new ApiError(answer.status, await problemOf(answer));
  }
}

async function problemOf(answer: Response): Promise<Record<string, never>> {
  try {
    return (await answer.json()) as Record<string, never>;
  } catch {
    return {};
  }
}
