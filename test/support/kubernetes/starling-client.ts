import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Access, type AccessOptions } from '../../../src/adapters/kubernetes/access.ts';
import { ApiClient } from '../../../src/adapters/kubernetes/api-client.ts';
import { ClusterView } from '../../../src/adapters/kubernetes/cluster-view.ts';
import { KubernetesTargetSource } from '../../../src/adapters/kubernetes/kubernetes-target-source.ts';
import { KubernetesWishSender } from '../../../src/adapters/kubernetes/kubernetes-wish-sender.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { GatedActuator } from '../../../src/adapters/wishes/gated-actuator.ts';
import type { Actuation, Wish } from '../../../src/domain/actuation.ts';
import type { FunctionVersion } from '../../../src/domain/function-version.ts';
import { systemRandom } from '../../../src/lib/random.ts';

/** The adapter as a replica has it, joined to an API server by real HTTP. */
export class StarlingClient {
  readonly actuator: GatedActuator;
  readonly targets: KubernetesTargetSource;
  readonly view: ClusterView;
  readonly client: ApiClient;
  readonly #folder: string | undefined;

  /** An address without credentials, or what says where they are. */
  constructor(
    where: string | Partial<AccessOptions>,
    options: { namespaces?: readonly string[]; timeoutMs?: number; breakerFailures?: number } = {},
  ) {
    this.#folder = typeof where === 'string' ? mkdtempSync(path.join(tmpdir(), 'starling-client-')) : undefined;
    const clock = systemClock;
    const random = systemRandom;
    const access = new Access({
      clock,
      random,
      env: {},
      ...(typeof where === 'string' ? { kubeconfigFile: writeKubeconfig(this.#folder ?? '', where) } : where),
    });
    this.client = new ApiClient({ access, clock });
    this.view = new ClusterView({
      client: this.client,
      clock,
      random,
      namespacesOf: async () => options.namespaces,
      timeoutMs: 5_000,
      lookBackSeconds: 3_600,
      basePolicy: undefined,
    });
    this.actuator = new GatedActuator({
      sender: new KubernetesWishSender({ client: this.client, view: this.view, clock, random }),
      clock,
      random,
      breaker: { failures: options.breakerFailures ?? 1_000, openForMs: 1_000 },
      timeoutMs: options.timeoutMs ?? 10_000,
    });
    this.targets = new KubernetesTargetSource({ view: this.view, clock, timeoutMs: 10_000 });
  }

  actuate(version: FunctionVersion, wanted: number, token: bigint, leftMs = 10_000): Promise<Actuation> {
    const wish: Wish = { ...version, wanted, token, decidedMs: 1_700_000_000_000 };
    return this.actuator.actuate(wish, { deadlineMs: systemClock.monotonicMs() + leftMs });
  }

  /** Resolves once the watches have told enough. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    for (const begun = performance.now(); !isSo(); await pause(5)) {
      if (performance.now() - begun > 15_000) throw new Error(`not within 15 s: ${what}`);
    }
  }

  async knows(...versions: readonly FunctionVersion[]): Promise<void> {
    await this.targets.refresh(versions);
    for (const { versionId } of versions) {
      await this.until(`${versionId} is known`, () => this.targets.get(versionId).state === 'known');
    }
  }

  close(): void {
    this.view.close();
    this.client.close();
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true });
  }
}

function writeKubeconfig(folder: string, server: string): string {
  const file = path.join(folder, 'kubeconfig');
  const config = {
    contexts: [{ name: 'it', context: { cluster: 'it', user: 'it' } }],
    clusters: [{ name: 'it', cluster: { server } }],
    users: [{ name: 'it', user: {} }],
    'current-context': 'it',
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}
