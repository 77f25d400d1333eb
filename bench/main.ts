import { parseArgs } from 'node:util';
import { asJson, asText, type BenchOptions, type BenchResult } from './report.ts';

/** A module of this folder; each says what it will do and how long that takes before it begins. */
interface Benchmark {
  run(options: BenchOptions): Promise<BenchResult>;
}

const BENCHMARKS: Readonly<Record<string, { about: string; module: string }>> = {
  reading: { about: 'reading signals in bulk, and once per version beside it', module: './reading.ts' },
  coordination: { about: 'claims and settlements on Cassandra', module: './coordination.ts' },
  takeover: { about: 'how long functions go unserved when a replica dies or stops', module: './takeover.ts' },
  reaction: { about: 'from a step in the samples to the write at the control plane', module: './reaction.ts' },
  'platform-runtime': {
    about: 'starting, calling and ending instances of functions',
    module: './platform-runtime.ts',
  },
  'platform-profiling': {
    about: 'what profiling costs, type by type',
    module: './platform-profiling.ts',
  },
  'metrics-store': { about: 'the embedded metrics store with an hour of a fleet', module: './metrics-store.ts' },
  platform: { about: 'the function platform under load, beside a bare Node server', module: './platform.ts' },
};

const USAGE = `npm run bench -- <benchmark> [--quick] [--json] [more flags of the benchmark]

${Object.entries(BENCHMARKS)
  .map(([name, { about }]) => `  ${name.padEnd(18)}${about}`)
  .join('\n')}

  --quick       the small form, under a minute
  --json        one JSON object on stdout; progress goes to stderr`;

const [name = '', ...rest] = process.argv.slice(2);
const benchmark = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
if (!benchmark) {
  const isAskedFor = ['help', '--help', '-h'].includes(name);
  (isAskedFor ? console.log : console.error)(isAskedFor || name === '' ? USAGE : `no benchmark ${name}\n\n${USAGE}`);
  process.exit(isAskedFor ? 0 : 2);
}

const common = new Set(['--quick', '--json']);
const { values } = parseArgs({
  args: rest.filter((word) => common.has(word)),
  options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});

try {
  const { run } = (await import(benchmark.module)) as Benchmark;
  const result = await run({
    isQuick: values.quick,
    args: rest.filter((word) => !common.has(word)),
    say: (line) => console.error(line),
  });
  console.log(values.json ? asJson(name, result) : asText(name, result));
} catch (error) {
  const { name: kind, message, stack } = error as Error;
  const isExplained = ['CassandraUnavailable', 'BenchUsage'].includes(kind);
  console.error(isExplained ? message : stack);
  process.exitCode = 1;
}

// All is ended and awaited by now. Left to itself Node was seen to stand still here now and then, with nothing left open.
process.exit();
