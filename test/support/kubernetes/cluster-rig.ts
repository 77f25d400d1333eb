import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FAST } from '../autoscaler-rig.ts';
import { LiveFleet, type LiveVersion } from '../live-fleet.ts';
import { RunningMember } from '../running-member.ts';
import { startTimeseriesServer, type TimeseriesServer } from '../timeseries/timeseries-server.ts';
import { ApiFront } from './api-front.ts';
import { ClusterHand, collectionOf, type KubeObject, manifestOf, pathOf, type WorkloadSeed } from './cluster-hand.ts';
import { ControlPlane } from './control-plane.ts';
import { render } from './run-tool.ts';

const NAMESPACE = 'shop';
const ACCOUNT = 'fleet-starling';
const KINDS = ['Deployment', 'StatefulSet'] as const;
/** Between two attempts to watch. */
const PAUSE_MS = 200;

/** One state in which a workload was seen to be stored. */
interface StoredState {
  readonly name: string;
  readonly replicas: number;
  /** Of the last wish of Starling; undefined before the first. */
  readonly token: bigint | undefined;
}

/**
 * The autoscaler with Kubernetes as its control plane, on real parts: API server, controllers and scheduler, replicas as
 * processes with the rights that the chart gives them, a Prometheus, and workers that show as many instances there as Pods
 * are ready. Only nodes and what runs on them are not.
 */
export class ClusterRig {
  readonly plane: ControlPlane;
  readonly timeseries: TimeseriesServer;
  readonly fleet: LiveFleet;
  readonly hand: ClusterHand;
  /** Every state of every workload, as a watch tells them. */
  readonly stored: StoredState[] = [];
  readonly #front: ApiFront;
  readonly #folder: string;
  readonly #members: RunningMember[] = [];
  readonly #ready = new Map<string, number>();
  readonly #ending = new AbortController();
  #following: Promise<unknown> = Promise.resolve();

  static async start(): Promise<ClusterRig> {
    const timeseries = await startTimeseriesServer('prometheus');
    const plane = await ControlPlane.start().catch(async (error: unknown) => {
      await timeseries.stop();
      throw error;
    });
    const read = (name: string) => readFileSync(path.join(plane.folder, 'pki', name), 'utf8');
    const front = new ApiFront(plane.url, { ca: read('ca.crt'), cert: read('admin.crt'), key: read('admin.key') });
    await front.start();
    const rig = new ClusterRig({ plane, timeseries, front });
    rig.#grant();
    rig.#following = Promise.all(KINDS.map((kind) => rig.#follow(kind)));
    return rig;
  }

  private constructor(parts: { plane: ControlPlane; timeseries: TimeseriesServer; front: ApiFront }) {
    this.plane = parts.plane;
    this.timeseries = parts.timeseries;
    this.#front = parts.front;
    this.hand = new ClusterHand(parts.front.url);
    this.#folder = mkdtempSync(path.join(tmpdir(), 'starling-cluster-rig-'));
    this.fleet = new LiveFleet({
      url: parts.timeseries.url,
      everyMs: 1_000,
      countOf: (versionId) => this.#ready.get(versionId),
    });
  }

  /** A version that shows in the metrics; whether anything runs it is another question. */
  call(version: Partial<LiveVersion> & { versionId: string }): LiveVersion {
    return this.fleet.add({ instances: 0, ...version });
  }

  async deploy(seed: WorkloadSeed): Promise<void> {
    const whole = { namespace: NAMESPACE, ...seed };
    await this.hand.must('POST', collectionOf(whole), manifestOf(whole));
  }

  workload(name: string): Promise<KubeObject> {
    return this.hand.must('GET', pathOf({ name, namespace: NAMESPACE }));
  }

  /** What was told to run, and what is ready, as it was last seen. */
  replicas(name: string): number | undefined {
    return this.stored.findLast((each) => each.name === name)?.replicas;
  }

  statesOf(name: string, from = 0): StoredState[] {
    return this.stored.slice(from).filter((each) => each.name === name);
  }

  ready(versionId: string): number {
    return this.#ready.get(versionId) ?? 0;
  }

  async join(flags: readonly string[] = []): Promise<RunningMember> {
    const member = await RunningMember.start([...this.flags(), ...flags]);
    this.#members.push(member);
    return member;
  }

  /** Takes the account its rights away; what it returns gives them back. */
  takeRights(): () => void {
    this.plane.kubectl('-n', NAMESPACE, 'delete', 'rolebinding', '--all');
    return () => void this.plane.apply(rights());
  }

  /** What a replica is started with. */
  flags(): string[] {
    return [
      ...['--store', `sqlite:${path.join(this.#folder, 'starling.db')}`, '--timeseries', this.timeseries.url],
      ...['--control-plane-kind', 'kubernetes', '--control-plane-kubernetes-kubeconfig-file', this.#kubeconfig],
      ...FAST,
    ];
  }

  async stop(): Promise<void> {
    for (const { process } of this.#members) process.kill('SIGKILL');
    await Promise.all(this.#members.map(({ process }) => process.ended));
    await this.fleet.stop();
    this.#ending.abort();
    await this.#following;
    await this.#front.stop();
    await this.timeseries.stop();
    await this.plane.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #kubeconfig(): string {
    return path.join(this.#folder, 'kubeconfig');
  }

  /** The account and its rights as the chart makes them, and a kubeconfig with its token. */
  #grant(): void {
    this.plane.kubectl('create', 'namespace', NAMESPACE);
    this.plane.apply(rights());
    const config = {
      contexts: [{ name: 'it', context: { cluster: 'it', user: 'it', namespace: NAMESPACE } }],
      clusters: [
        {
          name: 'it',
          cluster: { server: this.plane.url, 'certificate-authority': path.join(this.plane.folder, 'pki', 'ca.crt') },
        },
      ],
      users: [{ name: 'it', user: { token: this.plane.kubectl('-n', NAMESPACE, 'create', 'token', ACCOUNT).trim() } }],
      'current-context': 'it',
    };
    writeFileSync(this.#kubeconfig, JSON.stringify(config), { mode: 0o600 });
  }

  /** While the API server is away, what ran goes on running. */
  async #follow(kind: (typeof KINDS)[number]): Promise<void> {
    const { signal } = this.#ending;
    let from = '0';
    while (!signal.aborted) {
      try {
        const query = `watch=1&resourceVersion=${from}&timeoutSeconds=600`;
        const answer = await fetch(`${this.#front.url}${collectionOf({ kind, namespace: NAMESPACE })}?${query}`, {
          signal,
        });
        let rest = '';
        for await (const chunk of (answer.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
          const lines = (rest + chunk).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) {
            const { type, object } = JSON.parse(line) as { type: string; object: KubeObject };
            // A server that was started anew does not know the past: begin with what there is.
            from = type === 'ERROR' ? '0' : object.metadata.resourceVersion;
            if (type !== 'ERROR') this.#see(object);
          }
        }
      } catch {
        // Broken together with the API server, most likely; goes on where it was.
      }
      if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  #see({ metadata, spec, status }: KubeObject): void {
    const { name, labels, annotations } = metadata;
    const token = annotations?.['starling.dev/fencing-token'];
    this.stored.push({ name, replicas: spec.replicas, token: token === undefined ? undefined : BigInt(token) });
    this.#ready.set(labels?.['starling.dev/function-version'] ?? name, status?.readyReplicas ?? 0);
  }
}

/** The account and its rights, as the chart makes them. */
function rights(): string {
  return render('helm4', [
    ...['--set', `namespaceOverride=${NAMESPACE},controlPlane.kubernetes.enabled=true`],
    ...['--set', 'config.store.url=cassandra://unused,config.timeseries.url=http://unused'],
    ...['--show-only', 'templates/serviceaccount.yaml', '--show-only', 'templates/rbac.yaml'],
  ]);
}
