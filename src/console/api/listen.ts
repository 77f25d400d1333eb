import { type ApiClient, ApiError } from './client.ts';
import { type ServerEvent, SseParser } from './sse-parser.ts';

interface ListenerCalls {
  /** Something was heard; the line is good. */
  readonly onEvent: (event: ServerEvent) => void;
  readonly onLost: (error: ApiError, retryAtMs: number) => void;
}

const RETRY_MS = 1_000;
const RETRY_MAX_MS = 15_000;
/** The sign of life comes every two seconds; a line that is silent for this long is dead, whatever it pretends. */
const SILENT_MS = 10_000;

/** Listens until aborted: reconnects after every break, from the last event it saw. */
export async function listen(client: ApiClient, calls: ListenerCalls, signal: AbortSignal): Promise<void> {
  let lastId: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    const attempt = new AbortController();
    try {
      await follow(client, { lastId, attempt, signal: AbortSignal.any([signal, attempt.signal]) }, (event) => {
        failures = 0;
        lastId = event.id ?? lastId;
        calls.onEvent(event);
      });
      throw new ApiError(0, { code: 'no-answer', detail: 'The member ended the stream.' });
    } catch (error) {
      if (signal.aborted) return;
      const fault = error instanceof ApiError ? error : new ApiError(0, { detail: 'The line to the member broke.' });
      failures += 1;
      const delayMs = Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** (failures - 1)) * (0.75 + Math.random() / 2);
      calls.onLost(fault, Date.now() + delayMs);
      // Without a token asking again is useless; entering one starts listening again.
      if (fault.status === 401) return;
      await wait(delayMs, signal);
    } finally {
      attempt.abort();
    }
  }
}

async function follow(
  client: ApiClient,
  { lastId, attempt, signal }: { lastId: string | undefined; attempt: AbortController; signal: AbortSignal },
  onEvent: (event: ServerEvent) => void,
): Promise<void> {
  let timer = setTimeout(() => attempt.abort(), SILENT_MS);
  try {
    const stream = await client.stream('v1/events', { lastId, signal });
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new SseParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => attempt.abort(), SILENT_MS);
      for (const event of parser.push(value)) onEvent(event);
    }
  } finally {
    clearTimeout(timer);
  }
}

function wait(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener('online', end);
      resolve();
    };
    const timer = setTimeout(end, delayMs);
    addEventListener('online', end, { once: true });
    signal.addEventListener('abort', end, { once: true });
  });
}
