import { z } from 'zod';
import { type Clock, sleep } from '../../lib/clock.ts';
import { withDeadline } from '../../lib/deadline.ts';
import { errorText } from '../../lib/error-text.ts';
import type { Random } from '../../lib/random.ts';
import { jsonOf } from '../wire/exchange.ts';
import type { ApiClient, WatchEnd } from './api-client.ts';
import { ApiFailure, describeResult, parseStatus } from './api-failure.ts';

export interface ReflectorOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  /** The collection: `/apis/apps/v1/namespaces/shop/deployments`. */
  readonly path: string;
  /** For people: "deployments in namespace shop". */
  readonly what: string;
  readonly labelSelector?: string | undefined;
  /** Deadline of one page of the list. */
  readonly timeoutMs: number;
  readonly onReplaced: (items: readonly unknown[]) => void;
  readonly onPut: (item: unknown) => void;
  readonly onDeleted: (item: unknown) => void;
}

export interface ReflectorStatus {
  /** It has listed everything at least once. */
  readonly isSynced: boolean;
  /** How long ago the server last said anything on this watch; infinite before the first list. */
  readonly silentMs: number;
  /** Why it does not follow now; empty while it does. */
  readonly trouble: string;
  readonly lists: number;
  readonly watches: number;
}

const PAGE = 500;
/** The server ends each watch after this long, give or take, so that connections spread over its replicas. */
const WATCH_SECONDS = 270;
/** Bookmarks come every minute; a connection that is this quiet leads nowhere any more. */
const SILENCE_MAX_MS = 150_000;
const PAUSE_MS = 500;
const PAUSE_MAX_MS = 30_000;
/** A watch that ends sooner than this has not worked. */
const SHORT_MS = 1_000;

const listSchema = z.object({
  metadata: z.object({ resourceVersion: z.string().min(1), continue: z.string().optional() }),
  items: z.array(z.unknown()),
});
const eventSchema = z.object({ type: z.string(), object: z.unknown() });
const versionedSchema = z.object({ metadata: z.object({ resourceVersion: z.string().min(1) }) });

/** The place in history that we watch from is no longer kept: list again. */
class Expired extends Error {}

/** Follows one collection: a list, then a watch from where the list ended, for as long as it runs. */
export class Reflector {
  readonly #options: ReflectorOptions;
  /** Where to watch from; undefined: list first. */
  #from: string | undefined;
  #isSynced = false;
  #answeredMs = Number.NEGATIVE_INFINITY;
  #trouble = '';
  #failures = 0;
  #lists = 0;
  #watches = 0;
  readonly #tried = Promise.withResolvers<void>();

  constructor(options: ReflectorOptions) {
    this.#options = options;
  }

  /** Resolves when the first list has succeeded or failed. */
  get tried(): Promise<void> {
    return this.#tried.promise;
  }

  status(): ReflectorStatus {
    return {
      isSynced: this.#isSynced,
      silentMs: this.#options.clock.monotonicMs() - this.#answeredMs,
      trouble: this.#trouble,
      lists: this.#lists,
      watches: this.#watches,
    };
  }

  /** Runs until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#from === undefined) await this.#list(signal);
        await this.#watch(signal);
      } catch (error) {
        if (signal.aborted) break;
        if (error instanceof Expired) {
          this.#from = undefined;
          // A server that forgets at once would have us list without end.
          this.#failures += 1;
        } else this.#fail(error);
        await sleep(this.#options.clock, this.#pauseMs(error), signal).catch(() => {});
      } finally {
        this.#tried.resolve();
      }
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, clock, path, what, labelSelector, timeoutMs, onReplaced } = this.#options;
    const items: unknown[] = [];
    let from = '';
    for (let next: string | undefined = ''; next !== undefined; ) {
      const query = queryOf({ limit: String(PAGE), labelSelector, continue: next || undefined });
      const result = await withDeadline({ clock, what: `listing ${what}`, afterMs: timeoutMs, signal }, (ending) =>
        client.request({ call: 'list', path: `${path}?${query}`, signal: ending }),
      );
      if (isExpired(result)) throw new Expired();
      if (result.arrival !== 'answered' || result.status !== 200) throw describeResult(result, 'list', what);
      const page = listSchema.safeParse(result.body);
      if (!page.success) throw new ApiFailure(`the list of ${what} makes no sense; is that a Kubernetes API server?`);
      items.push(...page.data.items);
      from = page.data.metadata.resourceVersion;
      next = page.data.metadata.continue || undefined;
    }
    this.#lists += 1;
    this.#from = from;
    this.#onAnswer();
    onReplaced(items);
    this.#isSynced = true;
    this.#tried.resolve();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, clock, random, path, what, labelSelector } = this.#options;
    const startMs = clock.monotonicMs();
    const quiet = new AbortController();
    let cancel = () => {};
    const wait = () => {
      cancel();
      cancel = clock.after(SILENCE_MAX_MS, () => quiet.abort());
    };
    const query = queryOf({
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: this.#from,
      timeoutSeconds: String(Math.round(WATCH_SECONDS * (0.85 + random.next() * 0.15))),
      labelSelector,
    });
    wait();
    let fault: unknown;
    let end: WatchEnd;
    try {
      end = await client.watch(
        {
          path: `${path}?${query}`,
          signal: AbortSignal.any([signal, quiet.signal]),
          onOpen: () => {
            this.#watches += 1;
            this.#onAnswer();
          },
          onData: () => {
            wait();
            this.#onAnswer();
          },
        },
        (line) => {
          try {
            if (fault === undefined) this.#take(line);
          } catch (error) {
            fault = error;
            quiet.abort();
          }
        },
      );
    } finally {
      cancel();
    }
    const lastedMs = clock.monotonicMs() - startMs;
    // It has worked for a while: what broke it is no part of a row of failures.
    if (lastedMs >= SHORT_MS) this.#failures = 0;
    signal.throwIfAborted();
    if (fault !== undefined) throw fault;
    if (quiet.signal.aborted)
      throw new ApiFailure(`the watch of ${what} has been silent for ${SILENCE_MAX_MS / 1000} s`);
    if (end.arrival !== 'ended') {
      if (isExpired(end)) throw new Expired();
      throw describeResult(end, 'watch', what);
    }
    if (lastedMs < SHORT_MS) throw new ApiFailure(`the watch of ${what} ended at once`);
  }

  #take(line: string): void {
    const { what, onPut, onDeleted } = this.#options;
    const event = eventSchema.safeParse(jsonOf(line));
    if (!event.success) throw new ApiFailure(`the watch of ${what} sent something that is no event`);
    const { type, object } = event.data;
    if (type === 'ERROR') {
      const status = parseStatus(object);
      if (status?.code === 410) throw new Expired();
      throw new ApiFailure(`the watch of ${what} failed: ${status?.message ?? 'no reason given'}`);
    }
    const versioned = versionedSchema.safeParse(object);
    if (!versioned.success) throw new ApiFailure(`the watch of ${what} sent an object without a version`);
    if (type === 'ADDED' || type === 'MODIFIED') onPut(object);
    else if (type === 'DELETED') onDeleted(object);
    // Only once it has been taken: what is thrown on is seen again.
    this.#from = versioned.data.metadata.resourceVersion;
    this.#failures = 0;
  }

  #onAnswer(): void {
    this.#answeredMs = this.#options.clock.monotonicMs();
    this.#trouble = '';
  }

  #fail(error: unknown): void {
    this.#failures += 1;
    this.#trouble = errorText(error);
  }

  #pauseMs(error: unknown): number {
    const grownMs = Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** Math.min(Math.max(0, this.#failures - 1), 10));
    const askedMs = error instanceof ApiFailure ? (error.retryAfterMs ?? 0) : 0;
    return Math.max(askedMs, grownMs * (0.5 + this.#options.random.next() / 2));
  }
}

function isExpired(result: WatchEnd): boolean {
  return result.arrival === 'answered' && result.status === 410;
}

function queryOf(parts: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parts)) if (value !== undefined) query.set(name, value);
  return query.toString();
}
