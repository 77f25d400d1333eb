import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { DependencyHealth } from '../http/health.ts';
import type { Clock } from '../lib/clock.ts';
import { Loop } from '../loops/loop.ts';
import type { Store } from '../ports/store.ts';
import { StoreError } from '../ports/store-error.ts';
import type { Meters } from '../telemetry/meters.ts';
import type { ConnectionTools } from './connection-tools.ts';
import type { ControlPlane } from './control-plane.ts';
import { Dependency } from './dependency.ts';
import { layoutOf, openStore } from './open-store.ts';
import type { Timeseries } from './open-timeseries.ts';

const CHECK_EVERY_MS = 10_000;

/** The store, the time-series store and the control plane: waited for at the start, and checked again and again while it runs. */
export class Dependencies {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #meters: Meters;
  readonly #stopping: AbortSignal;
  readonly #store: Dependency;
  readonly #timeseries: Dependency;
  readonly #controlPlane: Dependency;
  #check: Loop | undefined;

  constructor(options: { clock: Clock; logger: Logger; meters: Meters; stopping: AbortSignal }) {
    const { clock, logger, meters, stopping } = options;
    this.#clock = clock;
    this.#logger = logger;
    this.#meters = meters;
    this.#stopping = stopping;
    const dependency = (name: string) => new Dependency({ name, logger, meters });
    this.#store = dependency('store');
    this.#timeseries = dependency('timeseries');
    this.#controlPlane = dependency('control-plane');
  }

  /** The control plane is not waited for: without it nothing is written, and that is all. */
  awaited(): DependencyHealth[] {
    return [this.#store.health, this.#timeseries.health];
  }

  health(): DependencyHealth[] {
    const isAsked = this.#controlPlane.health.state !== 'awaited';
    return [...this.awaited(), ...(isAsked ? [this.#controlPlane.health] : [])];
  }

  openStore(config: Config, tools: ConnectionTools): Promise<Store> {
    return this.#store.await(
      async () => {
        const store = await openStore(config, tools);
        try {
          await store.agree(layoutOf(config));
          return store;
        } catch (error) {
          await store.close();
          throw error;
        }
      },
      {
        clock: this.#clock,
        signal: this.#stopping,
        // Waiting makes no schema, no permission, and no other layout.
        isFatal: (error) => error instanceof StoreError && (error.kind === 'schema' || error.kind === 'auth'),
        describe: () => config.storeTarget.kind,
      },
    );
  }

  async awaitTimeseries({ reader }: Timeseries): Promise<void> {
    await this.#timeseries.await(() => reader.probe({ signal: this.#stopping }), {
      clock: this.#clock,
      signal: this.#stopping,
      isFatal: () => false,
      describe: ({ flavour }) => flavour,
    });
  }

  /** So that an outage shows at once, and not only in what did not happen. */
  watch({
    store,
    timeseries: { reader },
    controlPlane,
  }: {
    store: Store;
    timeseries: Timeseries;
    controlPlane: ControlPlane;
  }): void {
    // It answered when it was opened, with this.
    const { detail } = this.#store.health;
    this.#check = new Loop({
      name: 'check',
      purpose: 'ask what this service stands on whether it is there',
      periodMs: CHECK_EVERY_MS,
      hungAfterMs: Number.POSITIVE_INFINITY,
      clock: this.#clock,
      logger: this.#logger,
      meters: this.#meters,
      activate: async ({ signal }) => {
        await Promise.all([
          this.#note(
            this.#store,
            store.ping().then(() => detail),
          ),
          this.#note(
            this.#timeseries,
            reader.probe({ signal }).then(({ flavour }) => flavour),
          ),
          this.#note(this.#controlPlane, controlPlane.check()),
        ]);
      },
    });
    this.#check.start();
  }

  async stop(): Promise<void> {
    await this.#check?.stop();
  }

  async #note(dependency: Dependency, answer: Promise<string>): Promise<void> {
    try {
      dependency.answered(await answer);
    } catch (error) {
      if (!this.#stopping.aborted) dependency.failed(error);
    }
  }
}
