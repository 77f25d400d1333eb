import { fileURLToPath } from 'node:url';
import type { Code, LaunchSettings } from '../model/function-record.ts';

/** A function that ships with the platform and runs as any other does: in worker processes, through the pools. */
export interface Builtin {
  readonly name: string;
  readonly description: string;
  /** What it takes for parameters that a call leaves out; those that it draws by chance are not here. */
  readonly defaultPayload: Readonly<Record<string, unknown>>;
  /** To be registered with. */
  readonly code: Code;
  readonly launch: LaunchSettings;
  /** Its source, an absolute path; what the process back end is asked for as `builtinFile`. */
  readonly file: string;
}

const FOLDER = new URL('./functions/', import.meta.url);

type BuiltinSpec = Pick<Builtin, 'name' | 'description' | 'defaultPayload'> &
  Partial<Pick<LaunchSettings, 'memoryMb' | 'timeoutMs'>>;

/** Fan-out waits for its children, and so may take longer than they. */
const SPECS: readonly BuiltinSpec[] = [
  { name: 'fibonacci', description: 'a Fibonacci number, recursively: CPU', defaultPayload: {} },
  {
    name: 'transform',
    description: 'JSON written, read and filtered: allocation',
    defaultPayload: { size: 5_000 },
    memoryMb: 256,
  },
  { name: 'hash', description: 'SHA-256 over and over: a short burst of CPU', defaultPayload: { rounds: 10_000 } },
  {
    name: 'sort',
    description: 'a large list of strings sorted: CPU and allocation',
    defaultPayload: { size: 100_000 },
    memoryMb: 256,
  },
  { name: 'sleep', description: 'waits for a timer: wall time without CPU', defaultPayload: {} },
  { name: 'matrix', description: 'two matrices multiplied: dense CPU', defaultPayload: { dim: 120 } },
  { name: 'regex', description: 'a pattern that tracks back: CPU', defaultPayload: { count: 5_000 } },
  { name: 'compress', description: 'random letters through gzip: CPU and buffers', defaultPayload: { size: 50_000 } },
  { name: 'primes', description: 'the sieve of Eratosthenes: CPU', defaultPayload: { limit: 200_000 } },
  {
    name: 'contention',
    description: 'threads that fight for one lock: waiting for locks',
    defaultPayload: { threads: 4, iterations: 200 },
    memoryMb: 256,
  },
  {
    name: 'fanout',
    description: 'calls another built-in function several times at once',
    defaultPayload: { count: 3, function: 'hash' },
    timeoutMs: 60_000,
  },
];

/**
 * By name, in the order in which they are listed. Results are to be passed on as the bytes that they are: that of
 * `contention` is an integer of 64 bits, which reading it as JSON would round. `fanout` calls its children through the
 * platform, from inside its own process; they are functions of the same namespace.
 */
export const builtins: ReadonlyMap<string, Builtin> = new Map(
  SPECS.map((spec) => [spec.name, builtinOf(spec)] as const),
);

function builtinOf({ name, description, defaultPayload, memoryMb = 128, timeoutMs = 30_000 }: BuiltinSpec): Builtin {
  return {
    name,
    description,
    defaultPayload,
    code: { kind: 'builtin', name },
    launch: { runtime: 'node', handler: 'index.handler', timeoutMs, memoryMb, environment: {}, concurrency: 1 },
    file: fileURLToPath(new URL(`${name}.cjs`, FOLDER)),
  };
}
