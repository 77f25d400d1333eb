import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { moduleFolder } from './build-tool.ts';
import { CACHE, CRDS, KUBERNETES_VERSIONS, SCHEMAS, schemaFolder } from './tools.ts';

/** A wheel that carries the schemas of every Kubernetes minor; kubeconform's own source is a web site. */
const WHEEL = 'kubernetes-validate==1.37.0';
/** Operators whose kinds the chart makes. */
const OPERATORS = [
  {
    module: 'github.com/prometheus-operator/prometheus-operator',
    version: 'v0.85.0',
    folder: 'example/prometheus-operator-crd',
    files: ['servicemonitors', 'podmonitors', 'prometheusrules'].map((name) => `monitoring.coreos.com_${name}.yaml`),
  },
  {
    module: 'sigs.k8s.io/gateway-api',
    version: 'v1.4.0',
    folder: 'config/crd/standard',
    files: ['gateway.networking.k8s.io_httproutes.yaml'],
  },
] as const;

const UNZIP = `
import sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
wanted = tuple(f"/v{version}-local-strict/" for version in sys.argv[3:])
archive.extractall(sys.argv[2], [name for name in archive.namelist() if any(each in name for each in wanted)])
`;

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Node = { [key: string]: Json };

/** Makes the schemas that kubeconform reads, and the resource definitions that a cluster takes, if they are not there yet. */
export function makeSchemas(): { readonly isNew: boolean; readonly cleanUp?: string } {
  if (KUBERNETES_VERSIONS.every((version) => existsSync(schemaFolder(version))) && existsSync(CRDS))
    return { isNew: false };
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(path.join(CACHE, 'build-schemas-'));
  const quiet = { stdio: ['ignore', 'ignore', 'inherit'] as ['ignore', 'ignore', 'inherit'] };
  execFileSync('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', folder, WHEEL], quiet);
  const wheel = readdirSync(folder).find((name) => name.endsWith('.whl')) ?? '';
  execFileSync('python3', ['-c', UNZIP, path.join(folder, wheel), folder, ...KUBERNETES_VERSIONS], quiet);
  for (const version of KUBERNETES_VERSIONS) {
    const from = path.join(folder, 'kubernetes_validate', 'kubernetes-json-schema', `v${version}-local-strict`);
    const making = path.join(folder, version);
    mkdirSync(making);
    standAlone(from, making);
    put(making, schemaFolder(version));
  }
  const crds = path.join(folder, 'crds');
  const schemas = path.join(folder, 'crd-schemas');
  mkdirSync(crds);
  mkdirSync(schemas);
  writeFileSync(path.join(folder, 'go.mod'), 'module starling.test/schemas\n\ngo 1.26.0\n');
  for (const { module, version, folder: inside, files } of OPERATORS) {
    const from = path.join(moduleFolder(module, version, folder), inside);
    for (const file of files) {
      cpSync(path.join(from, file), path.join(crds, file));
      for (const [name, schema] of schemasOf(readFileSync(path.join(from, file), 'utf8'))) {
        writeFileSync(path.join(schemas, name), JSON.stringify(schema));
      }
    }
  }
  put(schemas, path.join(SCHEMAS, 'crds'));
  put(crds, CRDS);
  return { isNew: true, cleanUp: folder };
}

function put(made: string, place: string): void {
  mkdirSync(path.dirname(place), { recursive: true });
  rmSync(place, { recursive: true, force: true });
  renameSync(made, place);
}

/** Each kind with all that it refers to in the same file: kubeconform finds no other. */
function standAlone(from: string, to: string): void {
  const { $defs: all } = JSON.parse(readFileSync(path.join(from, '_definitions.json'), 'utf8')) as { $defs: Node };
  for (const file of readdirSync(from)) {
    if (file.startsWith('_') || file.startsWith('all')) continue;
    const { $id: _, ...schema } = JSON.parse(readFileSync(path.join(from, file), 'utf8')) as Node;
    if (!('x-kubernetes-group-version-kind' in schema)) continue;
    const reached: Node = {};
    const open = refsIn(schema);
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      if (name in reached) continue;
      reached[name] = inPlace(all[name] ?? true);
      open.push(...refsIn(all[name] ?? null));
    }
    writeFileSync(path.join(to, file), JSON.stringify({ ...(inPlace(schema) as Node), $defs: reached }));
  }
}

function nameOf(ref: string): string {
  return ref.slice(ref.lastIndexOf('/') + 1);
}

function refsIn(node: Json): string[] {
  if (Array.isArray(node)) return (node as readonly Json[]).flatMap(refsIn);
  if (node === null || typeof node !== 'object') return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === '$ref' && typeof value === 'string' ? [nameOf(value)] : refsIn(value),
  );
}

function inPlace(node: Json): Json {
  if (Array.isArray(node)) return (node as readonly Json[]).map(inPlace);
  if (node === null || typeof node !== 'object') return node;
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) =>
      key === '$ref' && typeof value === 'string' ? [key, `#/$defs/${nameOf(value)}`] : [key, inPlace(value)],
    ),
  );
}

interface Definition {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Json } }[];
  };
}

/** The schemas of a resource definition, under the names that kubeconform asks for. */
function schemasOf(text: string): [string, Json][] {
  const { spec } = parse(text) as Definition;
  const kind = spec.names.kind.toLowerCase();
  return spec.versions.map(({ name, schema }) => [
    `${kind}-${spec.group.split('.')[0]}-${name}.json`,
    closed(schema.openAPIV3Schema, true),
  ]);
}

/** As strict as the API server is with field validation: no key that the definition does not name. */
function closed(node: Json, isRoot = false): Json {
  if (Array.isArray(node)) return (node as readonly Json[]).map((each) => closed(each));
  if (node === null || typeof node !== 'object') return node;
  const { type, ...rest } = node as Node;
  const inner = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, closed(value)]));
  const isOpen = 'additionalProperties' in rest || rest['x-kubernetes-preserve-unknown-fields'] === true;
  if (type === 'object' && 'properties' in rest && !isOpen) inner['additionalProperties'] = false;
  if (isRoot) delete inner['additionalProperties'];
  return rest['x-kubernetes-int-or-string'] === true || type === undefined ? inner : { type, ...inner };
}
