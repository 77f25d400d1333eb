import type { Client, QueryOptions, types } from 'cassandra-driver';
import { withDeadline } from '../../lib/deadline.ts';
import { Limiter } from '../../lib/limiter.ts';
import { closedError, StoreError } from '../../ports/store-error.ts';
import { assertSaneTls, type CassandraSecrets, type FilledOptions } from './cassandra-options.ts';
import { type Connected, connectClient, type Driver, loadDriver } from './connect.ts';
import { type Effect, toStoreError } from './driver-errors.ts';
import { schemaNode, untilSchemaAgreed } from './schema-agreement.ts';

export type Row = types.Row;

export interface Write {
  readonly query: string;
  readonly params: readonly unknown[];
}

/** How long calls that began under old secrets may still run on the old connections. */
const DRAIN_MS = 30_000;
const SHUTDOWN_MS = 3000;
/** The driver itself waits ten seconds for the nodes to agree. */
const DEFINE_MS = 30_000;

/** Long enough for a change of several nodes to be one change. */
const RENEW_MS = 2000;
const RENEW_MAX_MS = 30_000;

interface Line {
  readonly connected: Connected;
  running: number;
  onIdle: (() => void) | undefined;
}

/** Sends statements: each with its consistency, idempotence, deadline and error kind. Knows how to change its secrets. */
export class Session {
  readonly options: FilledOptions;
  readonly driver: Driver;
  readonly #reads: Limiter;
  readonly #writes: Limiter;
  readonly #closing = new AbortController();
  readonly #ends = new Set<Promise<void>>();
  #secrets: CassandraSecrets;
  #line: Line;
  #renewing: Promise<void> = Promise.resolve();
  #cancelRenewal: (() => void) | undefined;

  private constructor(driver: Driver, options: FilledOptions, connected: Connected) {
    this.driver = driver;
    this.options = options;
    this.#secrets = { credentials: options.credentials, tls: options.tls };
    this.#line = { connected, running: 0, onIdle: undefined };
    this.#reads = new Limiter(options.readsInFlight);
    this.#writes = new Limiter(options.readsInFlight);
  }

  static async open(options: FilledOptions): Promise<Session> {
    const driver = await loadDriver();
    // What changes before the session is made is in the ring that it is born with.
    let onNewTopology = () => {};
    const session = new Session(driver, options, await connectClient(driver, options, () => onNewTopology()));
    onNewTopology = () => session.#renewSoon();
    return session;
  }

  /**
   * All rows of all pages. Safe to repeat, so the driver tries a second node when the first does not answer in time.
   * `isUrgent`: does not wait behind the bulk of reads.
   */
  rows(
    what: string,
    query: string,
    params: readonly unknown[],
    options: { deadlineMs?: number; isSerial?: boolean; isUrgent?: boolean } = {},
  ): Promise<Row[]> {
    const deadlineMs = options.deadlineMs ?? this.options.statementDeadlineMs;
    const { consistency, serial } = this.#levels();
    const read = () =>
      this.#run({ what, effect: 'none', deadlineMs }, async (client) => {
        const result = await client.execute(query, params as unknown[], {
          prepare: true,
          isIdempotent: true,
          consistency: options.isSerial ? serial : consistency,
          fetchSize: this.options.pageRows,
          readTimeout: this.#tryMs(deadlineMs),
        });
        const rows: Row[] = [];
        for await (const row of result) rows.push(row);
        return rows;
      });
    return options.isUrgent ? read() : this.#reads.run(read);
  }

  /** A plain write that may be repeated: it says all that it says, whenever it arrives. */
  async write(
    what: string,
    { query, params }: Write,
    options: { deadlineMs?: number; isUrgent?: boolean } = {},
  ): Promise<void> {
    const deadlineMs = options.deadlineMs ?? this.options.statementDeadlineMs;
    const write = () =>
      this.#run({ what, effect: 'write', deadlineMs }, (client) =>
        client.execute(query, params as unknown[], this.#plainWrite(deadlineMs)),
      );
    await (options.isUrgent ? write() : this.#writes.run(write));
  }

  /** Plain writes of one partition: one mutation on each replica. */
  async writeTogether(what: string, writes: readonly Write[], routingKey: Buffer): Promise<void> {
    const deadlineMs = this.options.statementDeadlineMs;
    const options = { ...this.#plainWrite(deadlineMs), logged: false, routingKey };
    await this.#writes.run(() =>
      this.#run({ what, effect: 'write', deadlineMs }, (client) => client.batch(copy(writes), options)),
    );
  }

  /**
   * Compare-and-set on one partition: all of the writes apply or none. Sent once; what came of it when no answer
   * arrives is for the caller to find out.
   */
  conditional(
    what: string,
    writes: readonly Write[],
    options: { routingKey: Buffer; deadlineMs: number },
  ): Promise<boolean> {
    const { deadlineMs, routingKey } = options;
    const { consistency, serial } = this.#levels();
    const settings: QueryOptions = {
      prepare: true,
      isIdempotent: false,
      consistency,
      serialConsistency: serial,
      readTimeout: deadlineMs,
      routingKey,
      retry: new this.driver.policies.retry.FallthroughRetryPolicy(),
    };
    return this.#run({ what, effect: 'conditional', deadlineMs }, async (client) => {
      const [first] = writes;
      const isAlone = first !== undefined && writes.length === 1;
      const result = isAlone
        ? await client.execute(first.query, first.params as unknown[], settings)
        : await client.batch(copy(writes), { ...settings, logged: false });
      // Read by name: Cassandra answers with this column alone when applied, others with the old row beside it.
      const applied: unknown = result.first()?.['[applied]'];
      if (typeof applied !== 'boolean') throw new StoreError('unknown', `${what}: the answer lacks [applied]`);
      return applied;
    });
  }

  /** Changes the schema, and waits until all nodes have seen it. */
  async define(what: string, cql: string): Promise<void> {
    const deadlineMs = DEFINE_MS;
    await this.#run({ what, effect: 'write', deadlineMs }, async (client) => {
      await client.execute(cql, [], { prepare: false, readTimeout: deadlineMs, ...schemaNode(client) });
      await untilSchemaAgreed(client, { clock: this.options.clock, what });
    });
  }

  /**
   * Connects with new secrets beside the old connections, and only then lets go of those. What is refused now is tried
   * again: a file may change before the role does.
   */
  async replaceSecrets(secrets: CassandraSecrets): Promise<void> {
    assertSaneTls(secrets.tls);
    this.#secrets = { ...this.#secrets, ...secrets };
    try {
      await this.#renew();
    } catch (error) {
      this.#renewSoon();
      throw error;
    }
  }

  /** A client of the driver keeps the token ring that it was born with; so a new ring asks for a new client, too. */
  #renewSoon(delayMs = RENEW_MS): void {
    if (this.#cancelRenewal || this.#closing.signal.aborted) return;
    this.#cancelRenewal = this.options.clock.after(delayMs, () => {
      this.#cancelRenewal = undefined;
      this.#renew().catch(() => this.#renewSoon(Math.min(2 * delayMs, RENEW_MAX_MS)));
    });
  }

  #renew(): Promise<void> {
    const renewed = this.#renewing.then(async () => {
      this.#closing.signal.throwIfAborted();
      const connected = await connectClient(this.driver, { ...this.options, ...this.#secrets }, () =>
        this.#renewSoon(),
      );
      if (this.#closing.signal.aborted) {
        await this.#shutDown(connected);
        throw closedError();
      }
      const old = this.#line;
      this.#line = { connected, running: 0, onIdle: undefined };
      const end = this.#drain(old).finally(() => this.#ends.delete(end));
      this.#ends.add(end);
    });
    this.#renewing = renewed.catch(() => {});
    return renewed;
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort(closedError());
      this.#cancelRenewal?.();
      this.#ends.add(this.#shutDown(this.#line.connected));
    }
    await Promise.all(this.#ends);
  }

  async #drain(line: Line): Promise<void> {
    if (line.running > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.options.clock.after(DRAIN_MS, resolve);
        this.#closing.signal.addEventListener('abort', () => resolve(), { once: true });
        line.onIdle = () => {
          cancel();
          resolve();
        };
      });
    }
    await this.#shutDown(line.connected);
  }

  async #shutDown(connected: Connected): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.options.clock.after(SHUTDOWN_MS, resolve);
    await Promise.race([connected.shutdown().catch(() => {}), late]);
    cancel();
  }

  async #run<T>(
    call: { what: string; effect: Effect; deadlineMs: number },
    work: (client: Client) => Promise<T>,
  ): Promise<T> {
    const { clock, meters } = this.options;
    const { signal } = this.#closing;
    if (signal.aborted) throw closedError();
    const line = this.#line;
    const startMs = clock.monotonicMs();
    line.running += 1;
    let outcome = 'ok';
    try {
      return await withDeadline({ clock, what: call.what, afterMs: call.deadlineMs, signal }, () =>
        work(line.connected.client),
      );
    } catch (error) {
      const failure = signal.aborted ? closedError() : toStoreError(error, call);
      outcome = failure.kind;
      throw failure;
    } finally {
      line.running -= 1;
      if (line.running === 0) line.onIdle?.();
      const seconds = (clock.monotonicMs() - startMs) / 1000;
      meters.record('starling_store_request_seconds', seconds, { operation: call.what, outcome });
    }
  }

  #plainWrite(deadlineMs: number): QueryOptions {
    const { consistency } = this.#levels();
    return { prepare: true, isIdempotent: true, consistency, readTimeout: this.#tryMs(deadlineMs) };
  }

  #levels(): { consistency: number; serial: number } {
    const { consistencies } = this.driver.types;
    const plain = { LOCAL_QUORUM: 'localQuorum', QUORUM: 'quorum', EACH_QUORUM: 'eachQuorum' } as const;
    const serial = { LOCAL_SERIAL: 'localSerial', SERIAL: 'serial' } as const;
    return {
      consistency: consistencies[plain[this.options.consistency]],
      serial: consistencies[serial[this.options.serialConsistency]],
    };
  }

  /** Leaves room for a second node within the deadline when the first one hangs. */
  #tryMs(deadlineMs: number): number {
    return Math.ceil(deadlineMs * 0.45);
  }
}

function copy(writes: readonly Write[]): Array<{ query: string; params: unknown[] }> {
  return writes.map(({ query, params }) => ({ query, params: params as unknown[] }));
}

/** The partition key of a table that is partitioned by an int. */
export function intKey(value: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeInt32BE(value);
  return key;
}

export function textKey(value: string): Buffer {
  return Buffer.from(value, 'utf8');
}
