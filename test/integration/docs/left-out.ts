/** What the pages show and cannot be run here, each with its reason. An entry that fits nothing any more is a fault. */
export const LEFT_OUT: readonly { readonly fits: RegExp; readonly why: string }[] = [
  { fits: /^npm test$/, why: 'this very test is a part of it' },
  { fits: /^npm run check$/, why: 'npm test does the same first' },
  { fits: /^npm run bench /, why: 'measures for minutes; says nothing true on a machine that does other things' },
  {
    fits: /cassandra:\/\//,
    why: 'wants a Cassandra of its own; test/integration/cassandra migrates and runs on a real one',
  },
  { fits: /^node test\/support\/cassandra\/run\.ts/, why: 'builds and starts three nodes of Cassandra' },
  { fits: /^docker /, why: 'wants a Docker daemon and the images of others' },
  {
    fits: /^npm run (test:helm|tools|test:cluster)/,
    why: 'builds Helm and Kubernetes first; test/integration/helm and cluster are these',
  },
  { fits: /starling-0\.internal/, why: 'the address of a replica in a network that is not here' },
  {
    fits: /^go tool pprof/,
    why: 'wants Go, and opens a browser; test/integration/platform/profiling reads the same address',
  },
];
