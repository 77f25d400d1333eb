import type { Config } from '../config/config.ts';
import type { DependencyHealth } from '../http/health.ts';
import { Loop } from '../loops/loop.ts';
import type { Store } from '../ports/store.ts';
import { StoreError } from '../ports/store-error.ts';
import type { ConnectionTools } from './connection-tools.ts';
import type { ControlPlane } from './control-plane.ts';
import { Dependency, type DependencyOptions } from './dependency.ts';
import { layoutOf, openStore } from './open-store.ts';
import type { Timeseries } from './open-timeseries.ts';

const CHECK_EVERY_MS = 10_000;

/** The store, the time-series store and the control plane: waited for at the start, and checked again and again while it runs. */
export class Dependencies {
  readonly #options: DependencyOptions;
  readonly #store: Dependency;
  readonly #timeseries: Dependency;
  readonly #controlPlane: Dependency;
  #check: Loop | undefined;

  constructor(options: DependencyOptions) {
    this.#options = options;
    this.#store = new Dependency('store', options);
    this.#timeseries = new Dependency('timeseries', options);
    this.#controlPlane = new Dependency('control-plane', options);
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
        // Waiting makes no schema, no permission, and no other layout.
        isFatal: (error) => error instanceof StoreError && (error.kind === 'schema' || error.kind === 'auth'),
        describe: () => config.storeTarget.kind,
      },
    );
  }

  async awaitTimeseries({ reader }: Timeseries): Promise<void> {
    await this.#timeseries.await(() => reader.probe({ signal: this.#options.stopping }), {
      isFatal: () => false,
      describe: ({ flavour }) => flavour,
    });
  }

  /** So that an outage shows at once, and not only in what did not happen. */
  watch(store: Store, { reader }: Timeseries, controlPlane: ControlPlane): void {
    // It answered when it was opened, with this.
    const { detail } = this.#store.health;
    this.#check = new Loop({
      name: 'check',
      purpose: 'ask what this service stands on whether it is there',
      periodMs: CHECK_EVERY_MS,
      hungAfterMs: Number.POSITIVE_INFINITY,
      ...this.#options,
      activate: async ({ signal }) => {
        await Promise.all([
          this.#store.note(store.ping().then(() => detail)),
          this.#timeseries.note(reader.probe({ signal }).then(({ flavour }) => flavour)),
          this.#controlPlane.note(controlPlane.check()),
        ]);
      },
    });
    this.#check.start();
  }

  async stop(): Promise<void> {
    await this.#check?.stop();
  }
}
