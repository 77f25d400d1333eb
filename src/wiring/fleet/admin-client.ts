import { z } from 'zod';
import { EXIT } from '../exit-codes.ts';
import { AdminError, exitCodeOf } from './admin-error.ts';

const TIMEOUT_MS = 10_000;
const DETAIL_MAX = 500;

const problemSchema = z.object({
  title: z.string(),
  detail: z.string(),
  code: z.string().optional(),
  errors: z.array(z.object({ pointer: z.string(), message: z.string() })).optional(),
});

export interface AdminClientOptions {
  /** The server's URL, without the path. */
  readonly url: string;
  /** Sent to this server alone. */
  readonly token: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The admin API as commands ask it: once, with a deadline, and with an AdminError for any failure. */
export class AdminClient {
  readonly url: string;
  readonly hasToken: boolean;
  readonly #options: AdminClientOptions;

  constructor(options: AdminClientOptions) {
    this.url = options.url.replace(/\/+$/, '');
    this.hasToken = options.token !== undefined;
    this.#options = options;
  }

  /** Answers of a newer server may hold more than the schema names; that is left out. */
  async get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return this.#read(await this.#ask('GET', path), schema);
  }

  async put<T>(path: string, body: object, schema: z.ZodType<T>): Promise<T> {
    return this.#read(await this.#ask('PUT', path, body), schema);
  }

  async delete(path: string): Promise<void> {
    await this.#ask('DELETE', path);
  }

  #read<T>(text: string, schema: z.ZodType<T>): T {
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw this.#notStarling("not as Starling's admin API does");
  }

  #notStarling(how: string): AdminError {
    return new AdminError(`${this.url} answers, but ${how}; is the port right?`, { exitCode: EXIT.failed });
  }

  async #ask(method: string, path: string, body?: object): Promise<string> {
    const { token, signal } = this.#options;
    const headers = {
      Accept: 'application/json',
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    };
    const deadline = AbortSignal.timeout(TIMEOUT_MS);
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${this.url}${path}`, {
        method,
        headers,
        // The token is for this server alone.
        redirect: 'error',
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      status = response.status;
      text = await response.text();
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#unreachable(error, deadline.aborted);
    }
    if (status >= 200 && status < 300) return text;
    throw this.#refused(status, text, path);
  }

  #unreachable(error: unknown, isLate: boolean): AdminError {
    const why = isLate ? `no answer within ${TIMEOUT_MS / 1000} s` : explain(error);
    return new AdminError(
      `cannot reach the admin API at ${this.url}: ${why}\nIs starling dev or starling autoscale running? --url or STARLING_URL says where.`,
      { exitCode: EXIT.cannotConnect, cause: error },
    );
  }

  #refused(status: number, text: string, path: string): AdminError {
    const parsed = problemSchema.safeParse(parseJson(text));
    // Every path that commands ask for exists, but for a version perhaps: a server without it is something else.
    if (status === 404 && parsed.data?.code !== 'version-unknown') {
      return this.#notStarling(`knows nothing of ${path.split('?')[0]}, not as Starling's admin API does`);
    }
    if (!parsed.success) {
      return new AdminError(`${this.url} answered ${status}: ${text.slice(0, DETAIL_MAX)}`, {
        exitCode: exitCodeOf(status),
      });
    }
    const { title, detail, code, errors = [] } = parsed.data;
    const lines = [`${title}: ${detail}`, ...errors.map(({ pointer, message }) => `  ${pointer}: ${message}`)];
    if (status === 401) lines.push('Name the file that holds the token with --token-file.');
    return new AdminError(lines.join('\n'), { exitCode: exitCodeOf(status), code });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'there is no such host',
  ECONNRESET: 'the connection was closed',
  UND_ERR_SOCKET: 'the connection was closed',
};

/** The message of fetch is "fetch failed"; the reason is its cause. */
function explain(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const { code = '', message } = (cause ?? error) as NodeJS.ErrnoException;
  return REASONS[code] ?? message;
}
