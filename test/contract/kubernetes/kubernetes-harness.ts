import type { FunctionVersion } from '../../../src/domain/function-version.ts';
import { ApiFront } from '../../support/kubernetes/api-front.ts';
import {
  ClusterHand,
  collectionOf,
  manifestOf,
  pathOf,
  type WorkloadSeed,
} from '../../support/kubernetes/cluster-hand.ts';
import { StarlingClient } from '../../support/kubernetes/starling-client.ts';
import type { FencedHarness } from '../control-plane/fenced-actuator-contract.ts';

/** Harnesses may share a server. */
let made = 0;

/** An API server to test against, real or double. */
export interface ApiServer {
  readonly url: string;
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly stop: () => Promise<void>;
}

/** An API server behind a front, the adapter before it, and a hand that does what people and controllers do. */
export class KubernetesHarness {
  readonly hand: ClusterHand;
  readonly front: ApiFront;
  readonly #plain: ApiFront;
  readonly #clients: StarlingClient[] = [];
  readonly #server: ApiServer;

  private constructor(server: ApiServer, fronts: { front: ApiFront; plain: ApiFront }) {
    this.#server = server;
    this.front = fronts.front;
    this.#plain = fronts.plain;
    this.hand = new ClusterHand(fronts.plain.url);
  }

  static async start(server: ApiServer): Promise<KubernetesHarness> {
    const [front, plain] = [new ApiFront(server.url, server.tls), new ApiFront(server.url, server.tls)];
    await Promise.all([front.start(), plain.start()]);
    return new KubernetesHarness(server, { front, plain });
  }

  client(options?: ConstructorParameters<typeof StarlingClient>[1]): StarlingClient {
    const client = new StarlingClient(this.front.url, options);
    this.#clients.push(client);
    return client;
  }

  /** A name that nothing has yet. */
  name(): string {
    made += 1;
    return `made-${made}`;
  }

  async make(
    seed: Partial<WorkloadSeed> = {},
  ): Promise<{ seed: WorkloadSeed; version: FunctionVersion; path: string }> {
    const whole = { name: this.name(), ...seed };
    await this.hand.must('POST', collectionOf(whole), manifestOf(whole));
    const version = { versionId: whole.versionId ?? whole.name, functionId: 'a-function', account: 'an-account' };
    return { seed: whole, version, path: pathOf(whole) };
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    await Promise.all([this.front.stop(), this.#plain.stop()]);
    await this.#server.stop();
  }
}

/** The same, as the contract of fenced actuators wants it. */
export async function fencedHarness(server: ApiServer): Promise<FencedHarness> {
  const harness = await KubernetesHarness.start(server);
  const clients = [harness.client(), harness.client(), harness.client()] as const;
  return {
    writers: [clients[0].actuator, clients[1].actuator, clients[2].actuator],
    makeVersion: async ({ min, max }) => {
      const annotations = { 'starling.dev/min-instances': String(min), 'starling.dev/max-instances': String(max) };
      const { version } = await harness.make({ annotations, replicas: 1 });
      await Promise.all(clients.map((client) => client.knows(version)));
      return version;
    },
    wantedOf: async ({ versionId }) => (await harness.hand.must('GET', pathOf({ name: versionId }))).spec.replicas,
    stop: () => harness.stop(),
  };
}
