import { rmSync } from 'node:fs';
import { buildTool } from './build-tool.ts';
import { makeSchemas } from './make-schemas.ts';
import { CHART_TOOLS, CLUSTER_TOOLS, type Tool } from './tools.ts';

/**
 * Builds what the chart is tried with, once: `npm run tools chart | cluster | <tool>…`.
 * Needs Go 1.26 or newer and, for the schemas, Python's pip. All of it takes some 20 minutes on two cores.
 */
const GROUPS: Readonly<Record<string, readonly (Tool | 'schemas')[]>> = {
  chart: [...CHART_TOOLS, 'schemas'],
  cluster: CLUSTER_TOOLS,
};
const known = new Set<string>([...CHART_TOOLS, ...CLUSTER_TOOLS, 'schemas']);
const wanted = process.argv.slice(2).flatMap((name) => GROUPS[name] ?? [name as Tool | 'schemas']);
const unknown = wanted.filter((name) => !known.has(name));
if (wanted.length === 0 || unknown.length > 0) {
  process.stderr.write(`${unknown.join(', ') || 'nothing'}: say chart, cluster, or one of ${[...known].join(', ')}\n`);
  process.exit(2);
}
for (const name of wanted) {
  const begun = performance.now();
  const { isNew, cleanUp } = name === 'schemas' ? makeSchemas() : buildTool(name);
  if (cleanUp !== undefined) rmSync(cleanUp, { recursive: true, force: true });
  if (isNew) process.stdout.write(`${name}: made in ${Math.round((performance.now() - begun) / 1000)} s\n`);
}
