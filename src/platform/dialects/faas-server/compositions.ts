import type { Clock } from '../../../lib/clock.ts';
import type { InvocationSource, Invoker } from '../../model/invocation.ts';
import type { FunctionFinder } from '../function-finder.ts';
import type { InvocationStats } from './invocation-stats.ts';
import { arrayOf, objectWith, withMembers } from './json-bytes.ts';
import type { ChainRequest } from './requests.ts';

/** What all calls of one request have in common. */
export interface CallContext {
  /** Ends when the caller goes away. */
  readonly signal: AbortSignal;
  /** Of a call that a function made of this server; 0 from outside. */
  readonly depth: number;
}

interface CompositionsOptions {
  readonly functions: FunctionFinder;
  readonly invoker: Invoker;
  readonly clock: Clock;
  readonly stats: InvocationStats;
  /** What the caller learns of an error. */
  readonly messageOf: (error: unknown) => string;
}

/** One call, many at once, one after the other. Every part goes through the pools as any call does. */
export class Compositions {
  readonly #options: CompositionsOptions;

  constructor(options: CompositionsOptions) {
    this.#options = options;
  }

  /** What the function answered, with how long it took, and whether a warm pool served it. */
  async invoke(name: string, parameters: Buffer, context: CallContext): Promise<Buffer> {
    const { output, latencyMs, isWarm } = await this.#call(name, { payload: parameters, source: 'http', ...context });
    return withMembers(output, { latency_ms: latencyMs, ...(isWarm ? { warm: true } : {}) });
  }

  /** The first that fails ends the others: the answer would not show them. */
  async burst(
    name: string,
    { count, parameters }: { count: number; parameters: Buffer },
    { signal, depth }: CallContext,
  ): Promise<Buffer> {
    const beganMs = this.#options.clock.monotonicMs();
    const failing = new AbortController();
    const either = AbortSignal.any([signal, failing.signal]);
    const call = { payload: parameters, source: 'burst', signal: either, depth } as const;
    let failure: { readonly error: unknown } | undefined;
    const outputs = await Promise.all(
      Array.from({ length: count }, () =>
        this.#call(name, call).then(
          ({ output }) => output,
          (error: unknown) => {
            failure ??= { error };
            failing.abort(error);
            return Buffer.alloc(0);
          },
        ),
      ),
    );
    const head = { function: name, count, total_ms: this.#since(beganMs) };
    if (failure) return Buffer.from(JSON.stringify({ ...head, error: this.#options.messageOf(failure.error) }));
    return objectWith(head, 'results', arrayOf(outputs));
  }

  /** What one step answers is what the next one is given. A step that fails is the last. */
  async chain({ chain, parameters }: ChainRequest, context: CallContext): Promise<Buffer> {
    const beganMs = this.#options.clock.monotonicMs();
    const steps: Buffer[] = [];
    let payload: Uint8Array = parameters;
    let failure: { readonly error: string } | undefined;
    for (const name of chain) {
      try {
        const { output, latencyMs } = await this.#call(name, { payload, source: 'chain', ...context });
        steps.push(objectWith({ function: name, latency_ms: latencyMs }, 'result', output));
        payload = output;
      } catch (error) {
        failure = { error: this.#options.messageOf(error) };
        break;
      }
    }
    const head = { chain_length: chain.length, total_ms: this.#since(beganMs), ...failure };
    return objectWith(head, 'steps', arrayOf(steps));
  }

  async #call(
    name: string,
    { payload, source, signal, depth }: CallContext & { payload: Uint8Array; source: InvocationSource },
  ) {
    const { functions, invoker, clock, stats } = this.#options;
    const { versionId } = functions.activeVersion(functions.find(name));
    const beganMs = clock.monotonicMs();
    try {
      const { body, isCold } = await invoker.invoke({ versionId, payload, source, depth, signal });
      return { output: body, latencyMs: this.#since(beganMs), isWarm: !isCold };
    } finally {
      if (source !== 'burst') stats.add(name, this.#since(beganMs));
    }
  }

  /** To the microsecond, as a number with a few digits. */
  #since(beganMs: number): number {
    return Math.round((this.#options.clock.monotonicMs() - beganMs) * 1_000) / 1_000;
  }
}
