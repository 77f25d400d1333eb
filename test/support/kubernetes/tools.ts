import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/**
 * The programs that the chart is tried with. `npm run tools chart cluster` builds them once, from Go's
 * module proxy, into a cache outside the checkout.
 */
export const CACHE = path.join(process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'starling-k8s');
export const BIN = path.join(CACHE, 'bin');
/** JSON Schemas of Kubernetes' own kinds, one folder for each version, and of the operators' kinds beside them. */
export const SCHEMAS = path.join(CACHE, 'schemas');
/** Custom resource definitions, as a cluster takes them. */
export const CRDS = path.join(CACHE, 'crds');
/** What the fake kubelet does with nodes and Pods. */
export const STAGES = path.join(CACHE, 'kwok-stages');

/** The oldest that the chart takes, the one of our own control plane, and the newest there are schemas of. */
export const KUBERNETES_VERSIONS = ['1.31.0', '1.36.0', '1.37.0'] as const;

export const CHART_TOOLS = ['helm3', 'helm4', 'helm-unittest', 'kubeconform', 'kube-score', 'hadolint'] as const;
export const CLUSTER_TOOLS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
  'kwok',
] as const;
export type Tool = (typeof CHART_TOOLS)[number] | (typeof CLUSTER_TOOLS)[number];

export function toolPath(tool: Tool): string {
  return path.join(BIN, tool);
}

/** Why a suite cannot run here, in one sentence that says what to do; undefined when it can. */
export function whyNot(group: 'chart' | 'cluster'): string | undefined {
  const wanted: readonly Tool[] = group === 'chart' ? CHART_TOOLS : [...CLUSTER_TOOLS, 'helm3', 'helm4'];
  const missing: string[] = wanted.filter((tool) => !existsSync(toolPath(tool)));
  if (group === 'chart') {
    missing.push(
      ...KUBERNETES_VERSIONS.filter((each) => !existsSync(schemaFolder(each))).map((each) => `schemas ${each}`),
    );
  }
  if (missing.length === 0) return undefined;
  return `${missing.join(', ')} not in ${CACHE}: npm run tools ${group === 'chart' ? 'chart' : 'chart cluster'} builds them (once)`;
}

export function schemaFolder(version: string): string {
  return path.join(SCHEMAS, `v${version}-standalone-strict`);
}
