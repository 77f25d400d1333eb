import { parseArgs } from 'node:util';
import { startCassandra } from './cassandra-cluster.ts';
import { CassandraUnavailable } from './cassandra-jars.ts';

const USAGE = `Starts real Cassandra nodes for tests, benchmarks and drills, and stops them on Ctrl-C.

  node test/support/cassandra/run.ts [--nodes 1|3] [--authentication] [--tls server|mutual] [--paxos v1|v2] [--proxies]

Once ready, one JSON object on stdout says how to reach them.`;

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1' },
    authentication: { type: 'boolean', default: false },
    tls: { type: 'string' },
    paxos: { type: 'string', default: 'v2' },
    proxies: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const nodes = values.nodes === '3' ? 3 : values.nodes === '1' ? 1 : undefined;
const tls = values.tls === 'server' || values.tls === 'mutual' ? values.tls : undefined;
const paxos = values.paxos === 'v1' || values.paxos === 'v2' ? values.paxos : undefined;
if (values.help || nodes === undefined || paxos === undefined || tls !== values.tls) {
  (values.help ? console.log : console.error)(USAGE);
  process.exit(values.help ? 0 : 2);
}

// Taken before the nodes start, so that a signal during the start stops them too.
const { promise: told, resolve: tell } = Promise.withResolvers<void>();
process.once('SIGINT', tell).once('SIGTERM', tell);

try {
  const onProgress = (line: string) => console.error(line);
  const cluster = await startCassandra({
    nodes,
    tls,
    paxos,
    onProgress,
    authentication: values.authentication,
    proxies: values.proxies,
  });
  const { contactPoints, port, dataCenter, credentials, authority } = cluster;
  const ready = { contactPoints, port, dataCenter, credentials, caFile: authority?.caFile };
  console.log(JSON.stringify({ ...ready, pids: cluster.nodes.map((node) => node.pid) }));
  const keepAlive = setInterval(() => {}, 60_000);
  await told;
  clearInterval(keepAlive);
  await cluster.stop();
} catch (error) {
  if (!(error instanceof CassandraUnavailable)) throw error;
  console.error(`not available: ${error.message}`);
  process.exitCode = 3;
}
