import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Ended, StarlingProcess } from '../run-starling.ts';

interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly projected?: {
    readonly sources: readonly {
      readonly secret: { readonly name: string; readonly items: readonly { key: string; path: string }[] };
    }[];
  };
  readonly emptyDir?: object;
  readonly persistentVolumeClaim?: { readonly claimName: string };
}

interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly [probe: `${string}Probe`]: { readonly httpGet: { readonly path: string; readonly port: string } };
}

/** An object as Helm renders it: a Pod, or what makes Pods, or what Pods mount. */
export interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: PodSpec & { readonly template?: { readonly spec: PodSpec } };
}

/** What is there to be mounted: what the release brings, and Secrets that were there before, by name and key. */
interface Cluster {
  readonly objects: readonly Rendered[];
  readonly secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

interface PodSpec {
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
}

/** The lines of the image that decide what a container's arguments are handed to, and what it starts with. */
const DOCKERFILE = readFileSync(new URL('../../../Dockerfile', import.meta.url), 'utf8');
const ENTRYPOINT = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(DOCKERFILE)?.[1] ?? '[]') as string[];
const IMAGE_ENV = Object.fromEntries(
  [...(/^ENV (.*)$/m.exec(DOCKERFILE)?.[1] ?? '').matchAll(/(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [
    name,
    value,
  ]),
);
const PROGRAM = '/app/dist/main.js';
const SOURCE = path.join(import.meta.dirname, '../../../src/main.ts');

/**
 * Does what a kubelet does for the one container of a rendered Pod, without a container: its volumes in a folder, its
 * arguments and its environment to the letter, the image's entry point before them. The root of its file system is that
 * folder: every path below one of its mounts is looked for there, wherever it is named.
 */
export class PodProcess {
  readonly #container: Container;
  readonly #spec: PodSpec;
  readonly #root: string;
  readonly #cluster: Cluster;

  constructor(object: Rendered, { root, cluster }: { root: string; cluster: Cluster }) {
    const spec = object.spec?.template?.spec ?? object.spec;
    const [container] = spec?.containers ?? [];
    if (!spec || !container) throw new Error(`${object.kind} ${object.metadata.name} has no container`);
    this.#spec = spec;
    this.#container = container;
    this.#root = root;
    this.#cluster = cluster;
  }

  /** Fails as a Pod waits in ContainerCreating, when something that it mounts is not there. */
  start(): StarlingProcess {
    for (const { name, mountPath } of this.#container.volumeMounts) {
      const volume = this.#spec.volumes.find((each) => each.name === name);
      if (!volume) throw new Error(`no volume ${name} for ${mountPath}`);
      const folder = path.join(this.#root, mountPath);
      mkdirSync(folder, { recursive: true });
      for (const [file, text] of Object.entries(filesOf(volume, this.#cluster))) {
        writeFileSync(path.join(folder, file), this.#moved(text));
      }
    }
    const [, ...entry] = ENTRYPOINT.map((part) => (part === PROGRAM ? SOURCE : part));
    const env = Object.fromEntries(this.#container.env.map(({ name, value }) => [name, this.#moved(value)]));
    const args = this.#container.args.map((arg) => this.#moved(arg));
    return new StarlingProcess(args, { program: [process.execPath, ...entry], env: { ...IMAGE_ENV, ...env } });
  }

  /** The same for a command that somebody runs beside it (`kubectl exec`). */
  exec(args: readonly string[]): Promise<Ended> {
    const env = Object.fromEntries(this.#container.env.map(({ name, value }) => [name, this.#moved(value)]));
    return new StarlingProcess(args, { env: { ...IMAGE_ENV, ...env } }).ended;
  }

  async probe(kind: 'startup' | 'liveness' | 'readiness'): Promise<number> {
    const probe = this.#container[`${kind}Probe`]?.httpGet;
    const port = this.#container.ports?.find(({ name }) => name === probe?.port)?.containerPort;
    if (!probe || port === undefined) throw new Error(`no ${kind} probe, or none that names a port of the container`);
    const answer = await fetch(`http://127.0.0.1:${port}${probe.path}`).catch(() => undefined);
    return answer?.status ?? 0;
  }

  #moved(text: string): string {
    const places = this.#container.volumeMounts.map(({ mountPath }) => mountPath);
    return text.replaceAll(new RegExp(`(?<![\\w./-])(?:${places.join('|')})(?![\\w.-])`, 'g'), (place) =>
      path.join(this.#root, place),
    );
  }
}

function filesOf(volume: Volume, { objects, secrets }: Cluster): Record<string, string> {
  const find = (kind: string, name: string) =>
    objects.find((each) => each.kind === kind && each.metadata.name === name)?.data;
  if (volume.configMap) {
    const data = find('ConfigMap', volume.configMap.name);
    if (!data) throw new Error(`ContainerCreating: configmap "${volume.configMap.name}" not found`);
    return data;
  }
  const files: Record<string, string> = {};
  for (const { secret } of volume.projected?.sources ?? []) {
    const made = Object.entries(find('Secret', secret.name) ?? {});
    const data =
      secrets[secret.name] ??
      Object.fromEntries(made.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
    for (const { key, path: file } of secret.items) {
      const value = data[key];
      if (value === undefined) throw new Error(`ContainerCreating: secret "${secret.name}" has no key ${key}`);
      files[file] = value;
    }
  }
  return files;
}
