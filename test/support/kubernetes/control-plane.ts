import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CRDS, STAGES, type Tool, toolPath } from './tools.ts';

const START_MS = 120_000;

/**
 * A real control plane on loopback: etcd, API server, controller manager, scheduler. Its nodes are fakes that make every
 * Pod ready and run none: what is refused, created, replaced, evicted and allowed is real, what containers do is not.
 */
export class ControlPlane {
  readonly folder: string;
  readonly kubeconfig: string;
  readonly #pki: string;
  readonly #ports: Readonly<Record<'api' | 'etcd' | 'peer' | 'manager' | 'scheduler' | 'kubelet', number>>;
  readonly #running: { readonly name: string; readonly child: ChildProcess }[] = [];

  private constructor(folder: string, ports: readonly number[]) {
    const [api = 0, etcd = 0, peer = 0, manager = 0, scheduler = 0, kubelet = 0] = ports;
    this.#ports = { api, etcd, peer, manager, scheduler, kubelet };
    this.folder = folder;
    this.#pki = path.join(folder, 'pki');
    this.kubeconfig = path.join(folder, 'admin.kubeconfig');
  }

  /** `only: 'api'`: nothing but etcd and the API server, where a test plays the controllers itself. */
  static async start(options: { readonly nodes?: number; readonly only?: 'api' } = {}): Promise<ControlPlane> {
    const folder = mkdtempSync(path.join(tmpdir(), 'starling-cluster-'));
    const plane = new ControlPlane(folder, await freePorts(6));
    try {
      await plane.#startApi();
      if (options.only !== 'api') await plane.#startControllers(options.nodes ?? 3);
      return plane;
    } catch (error) {
      const logs = readdirSync(folder).filter((name) => name.endsWith('.log'));
      const tails = logs.map((name) => `${name}: ${readFileSync(path.join(folder, name), 'utf8').slice(-600)}`);
      await plane.stop();
      throw new Error(`no control plane: ${(error as Error).message}\n${tails.join('\n')}`);
    }
  }

  /** Where the API server listens. */
  get url(): string {
    return `https://127.0.0.1:${this.#ports.api}`;
  }

  kubectl(...args: readonly string[]): string {
    return execFileSync(toolPath('kubectl'), ['--kubeconfig', this.kubeconfig, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 64 * 2 ** 20,
    });
  }

  apply(text: string, ...args: readonly string[]): string {
    return execFileSync(toolPath('kubectl'), ['--kubeconfig', this.kubeconfig, 'apply', '-f', '-', ...args], {
      encoding: 'utf8',
      input: text,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  /** Objects as they stand. */
  list<Item = { metadata: { name: string } }>(...args: readonly string[]): Item[] {
    return (JSON.parse(this.kubectl('get', ...args, '-o', 'json')) as { items: Item[] }).items;
  }

  /** Kills the API server, and only that; what it resolves with starts it again on the same port and data. */
  async breakApi(): Promise<() => Promise<void>> {
    const index = this.#running.findIndex(({ name }) => name === 'kube-apiserver');
    const [broken] = this.#running.splice(index, 1);
    if (index < 0 || !broken) throw new Error('the API server does not run');
    const ended = new Promise((resolve) => broken.child.once('exit', resolve));
    broken.child.kill('SIGKILL');
    await ended;
    return async () => {
      this.#runApiServer();
      await this.#untilReady();
    };
  }

  async stop(): Promise<void> {
    for (const { child } of [...this.#running].reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await ended;
      clearTimeout(killer);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #startApi(): Promise<void> {
    const { etcd, peer } = this.#ports;
    this.#makeCertificates();
    const store = `http://127.0.0.1:${etcd}`;
    this.#run('etcd', [
      '--name=default',
      `--data-dir=${path.join(this.folder, 'etcd')}`,
      `--listen-client-urls=${store}`,
      `--advertise-client-urls=${store}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-cluster=default=http://127.0.0.1:${peer}`,
      // Nothing here outlives the test.
      '--unsafe-no-fsync',
    ]);
    this.#runApiServer();
    await this.#untilReady();
  }

  #runApiServer(): void {
    const { api, etcd } = this.#ports;
    const pki = (name: string) => path.join(this.#pki, name);
    this.#run('kube-apiserver', [
      `--etcd-servers=http://127.0.0.1:${etcd}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${api}`,
      `--tls-cert-file=${pki('server.crt')}`,
      `--tls-private-key-file=${pki('server.key')}`,
      `--client-ca-file=${pki('ca.crt')}`,
      '--authorization-mode=Node,RBAC',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${pki('accounts.pub')}`,
      `--service-account-signing-key-file=${pki('accounts.key')}`,
      // Both families, for Services that ask for both.
      '--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112',
      '--endpoint-reconciler-type=none',
      `--requestheader-client-ca-file=${pki('ca.crt')}`,
      '--requestheader-allowed-names=nobody',
    ]);
  }

  async #startControllers(nodes: number): Promise<void> {
    const { manager, scheduler, kubelet } = this.#ports;
    const pki = (name: string) => path.join(this.#pki, name);
    const as = (user: string) => {
      const file = this.#writeKubeconfig(user);
      return [`--kubeconfig=${file}`, `--authentication-kubeconfig=${file}`, `--authorization-kubeconfig=${file}`];
    };
    this.#run('kube-controller-manager', [
      ...as('manager'),
      '--bind-address=127.0.0.1',
      `--secure-port=${manager}`,
      '--leader-elect=false',
      '--use-service-account-credentials=true',
      `--service-account-private-key-file=${pki('accounts.key')}`,
      `--root-ca-file=${pki('ca.crt')}`,
    ]);
    this.#run('kube-scheduler', [
      ...as('scheduler'),
      '--bind-address=127.0.0.1',
      `--secure-port=${scheduler}`,
      '--leader-elect=false',
    ]);
    this.#run('kwok', [
      `--kubeconfig=${this.kubeconfig}`,
      '--manage-all-nodes=true',
      `--server-address=127.0.0.1:${kubelet}`,
      '--node-lease-duration-seconds=40',
      ...readdirSync(STAGES).map((name) => `--config=${path.join(STAGES, name)}`),
    ]);
    this.apply(Array.from({ length: nodes }, (_, index) => fakeNode(index)).join('---\n'));
    this.kubectl('apply', '--server-side', '-f', CRDS);
    this.kubectl('wait', '--for=condition=Ready', 'nodes', '--all', '--timeout=60s');
    this.kubectl('wait', '--for=condition=Established', 'crds', '--all', '--timeout=60s');
    await this.#until('the default service account', () => this.kubectl('get', 'serviceaccount', 'default'));
  }

  #run(tool: Tool, args: readonly string[]): void {
    // Straight into a file: a pipe would fill up, and stop the server, while a test waits for Helm.
    const log = openSync(path.join(this.folder, `${tool}.log`), 'a');
    const child = spawn(toolPath(tool), args, { stdio: ['ignore', log, log] });
    closeSync(log);
    // A test run that ends early leaves nothing behind.
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    this.#running.push({ name: tool, child });
  }

  #makeCertificates(): void {
    mkdirSync(this.#pki, { mode: 0o700 });
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: this.#pki, stdio: 'ignore' });
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    openssl('req', '-x509', ...key, '-days', '2', '-subj', '/CN=ca', '-keyout', 'ca.key', '-out', 'ca.crt');
    const sign = (name: string, subject: string, usage: string) => {
      const names = 'DNS:localhost,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.96.0.1';
      const extensions = `extendedKeyUsage=${usage}\nsubjectAltName=${names}\n`;
      writeFileSync(path.join(this.#pki, `${name}.ext`), extensions);
      openssl('req', ...key, '-subj', subject, '-keyout', `${name}.key`, '-out', `${name}.csr`);
      openssl(
        ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'],
        ...['-days', '2', '-extfile', `${name}.ext`, '-out', `${name}.crt`],
      );
    };
    sign('server', '/CN=kube-apiserver', 'serverAuth');
    sign('admin', '/O=system:masters/CN=admin', 'clientAuth');
    sign('manager', '/CN=system:kube-controller-manager', 'clientAuth');
    sign('scheduler', '/CN=system:kube-scheduler', 'clientAuth');
    openssl('genrsa', '-out', 'accounts.key', '2048');
    openssl('rsa', '-in', 'accounts.key', '-pubout', '-out', 'accounts.pub');
    this.#writeKubeconfig('admin');
  }

  #writeKubeconfig(user: string): string {
    const file = path.join(this.folder, `${user}.kubeconfig`);
    const cluster = { server: this.url, 'certificate-authority': path.join(this.#pki, 'ca.crt') };
    const credentials = {
      'client-certificate': path.join(this.#pki, `${user}.crt`),
      'client-key': path.join(this.#pki, `${user}.key`),
    };
    // JSON is YAML.
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'local', cluster }],
      users: [{ name: user, user: credentials }],
      contexts: [{ name: 'local', context: { cluster: 'local', user } }],
      'current-context': 'local',
    };
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    return file;
  }

  async #untilReady(): Promise<void> {
    const read = (name: string) => readFileSync(path.join(this.#pki, name));
    const tls = { ca: read('ca.crt'), cert: read('admin.crt'), key: read('admin.key') };
    await this.#until('the API server', async () => {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const asked = request(`${this.url}/readyz`, { ...tls, agent: false }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        asked.on('error', reject).end();
      });
      if (status !== 200) throw new Error(`/readyz answers ${status}`);
    });
  }

  async #until(what: string, attempt: () => unknown): Promise<void> {
    for (const begun = performance.now(); ; ) {
      try {
        await attempt();
        return;
      } catch (error) {
        const dead = this.#running.find(({ child }) => child.exitCode !== null);
        if (dead) throw new Error(`${dead.name} ended with ${dead.child.exitCode}`);
        if (performance.now() - begun > START_MS) throw new Error(`${what}: ${(error as Error).message}`);
        await pause(250);
      }
    }
  }
}

function fakeNode(index: number): string {
  const labels = {
    'kubernetes.io/hostname': `node-${index}`,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    'topology.kubernetes.io/zone': `zone-${index % 3}`,
  };
  const metadata = { name: `node-${index}`, annotations: { 'kwok.x-k8s.io/node': 'fake' }, labels };
  return `${JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata })}\n`;
}

/** All at once, so that none is given twice. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((each) => new Promise<void>((done) => each.listen(0, '127.0.0.1', done))));
  const ports = servers.map((each) => (each.address() as { port: number }).port);
  await Promise.all(servers.map((each) => new Promise((done) => each.close(done))));
  return ports;
}
