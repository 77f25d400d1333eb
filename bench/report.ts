import { cpus, totalmem } from 'node:os';

/** What every benchmark is given. */
export interface BenchOptions {
  /** The small form: under a minute, to see that it still runs. Its figures say little. */
  readonly isQuick: boolean;
  /** What stands on the command line beside --quick and --json. */
  readonly args: readonly string[];
  /** Progress, for people; goes to stderr. */
  readonly say: (line: string) => void;
}

/** What every benchmark hands back. */
export interface BenchResult {
  /** Name and version of everything that it ran against. */
  readonly software: Readonly<Record<string, string>>;
  readonly figures: Readonly<Record<string, unknown>>;
  /** What a reader must know to read the figures. */
  readonly notes?: readonly string[];
}

function machine(): { cpus: number; model: string; memoryGb: number; node: string } {
  const processors = cpus();
  return {
    cpus: processors.length,
    model: processors[0]?.model.trim() || process.arch,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
}

/** One flat object: the figures stand beside the names of what they were measured on. */
export function asJson(benchmark: string, { software, figures, notes }: BenchResult): string {
  return JSON.stringify({ benchmark, machine: machine(), software, ...figures, ...(notes && { notes }) });
}

export function asText(benchmark: string, { software, figures, notes = [] }: BenchResult): string {
  const { cpus: count, model, memoryGb, node } = machine();
  const versions = Object.entries(software).map(([name, version]) => `${name} ${version}`);
  const head = `${benchmark} on ${count} × ${model}, ${memoryGb} GB, Node ${node}; ${versions.join(', ')}`;
  const width = Math.max(...Object.keys(figures).map((name) => name.length));
  const lines = Object.entries(figures).map(([name, value]) => `  ${name.padEnd(width)}  ${show(value)}`);
  return [head, ...lines, ...notes.map((note) => `  (${note})`)].join('\n');
}

function show(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Three digits that matter. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** What the distribution comes down to. */
export function spread(values: readonly number[]): { median: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  const median = sorted.length % 2 === 0 ? ((sorted[middle - 1] ?? upper) + upper) / 2 : upper;
  return { median: rounded(median), max: rounded(sorted.at(-1) ?? Number.NaN) };
}

/** Told to the caller as it is, without a stack. */
export class BenchUsage extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BenchUsage';
  }
}
