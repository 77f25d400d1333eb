import { printableLine } from '../../lib/printable.ts';

export interface ScreenFacts {
  readonly version: string;
  readonly consoleUrl: string;
  /** Undefined: the control plane at `controlPlane` is used instead. */
  readonly platformUrl: string | undefined;
  readonly controlPlane: string;
  readonly timeseries: string;
  readonly hasMetricsStore: boolean;
  /** Undefined: the file in the data folder. */
  readonly store: string | undefined;
  readonly dialects: readonly { readonly name: string; readonly url: string | undefined; readonly port: number }[];
  readonly replicas: readonly { readonly number: number; readonly pid: number }[];
  readonly functions: number | undefined;
  readonly dataFolder: string;
  readonly isUsed: boolean;
  readonly isDemo: boolean;
  /** What has to be typed for `starling` here. */
  readonly command: string;
}

/** Everything that a newcomer needs, and nothing that scrolls it away. */
export function screen(facts: ScreenFacts): string {
  const { platformUrl, replicas } = facts;
  const rows: [string, string][] = [
    ['console', `${facts.consoleUrl}/`],
    platformUrl === undefined
      ? ['control plane', `${facts.controlPlane} (not started here)`]
      : ['platform', `${platformUrl}  functions: ${facts.functions ?? 0}`],
    ['metrics', `${facts.timeseries}${facts.hasMetricsStore ? '  PromQL, the last hour' : ' (not started here)'}`],
    ['autoscaler', `${replicas.length === 1 ? '1 replica' : `${replicas.length} replicas`}, ${pids(replicas)}`],
    ...facts.dialects.map(({ name, url, port }): [string, string] => [name, url ?? `left out: port ${port} is taken`]),
    ['data', `${printableLine(facts.dataFolder)}${facts.isUsed ? ', as you left it' : ''}`],
    ...(facts.store === undefined ? [] : [['store', facts.store] as [string, string]]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    `Starling ${facts.version}: everything on this machine, to try it and to develop. Not for production.`,
    '',
    ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`),
    '',
    ...tries(facts),
    '',
    'Ctrl-C stops everything; the data stays.',
    '',
  ].join('\n');
}

function tries({ platformUrl, command, consoleUrl, isDemo, replicas }: ScreenFacts): string[] {
  const at = consoleUrl === 'http://127.0.0.1:8080' ? '' : ` --url ${consoleUrl}`;
  const takeOver = replicas.length > 1 ? [`  kill -9 ${replicas.at(-1)?.pid}`] : [];
  if (platformUrl === undefined || isDemo) {
    return ['Try, in another terminal:', `  ${command} top${at}`, `  ${command} functions${at}`, ...takeOver];
  }
  const hello =
    '{"name":"hello","runtime":"node","code":"exports.handler = async () => new Promise((r) => setTimeout(r, 400, 1))"}';
  return [
    'Try, in another terminal (a function, load for it, and what comes of it):',
    `  curl -s ${platformUrl}/v1/functions -d '${hello}'`,
    `  seq 300 | xargs -P 4 -I{} curl -s -o /dev/null ${platformUrl}/v1/functions/hello/invoke -d '{}'`,
    `  ${command} top${at}`,
    ...takeOver,
  ];
}

function pids(replicas: ScreenFacts['replicas']): string {
  return `${replicas.length === 1 ? 'pid' : 'pids'} ${replicas.map(({ pid }) => pid).join(' ')}`;
}
