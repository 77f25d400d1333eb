import {
  autoscalingConfigurationSchema,
  policyOfConfiguration,
  type ReceivedConfiguration,
} from '../../contract/autoscaling-configuration.ts';
import { type ParsedPolicy, parsePolicy, problemsText } from '../../domain/parse-policy.ts';
import type { Policy, PolicySource } from '../../domain/policy.ts';
import { scrubLine } from '../../lib/scrub.ts';

export type ReadPolicy =
  /** Undefined: there is none, the operator's default holds. */
  { readonly ok: true; readonly policy: Policy | undefined } | { readonly ok: false; readonly detail: string };

const KEPT_MAX = 10_000;

export interface PolicyReaderOptions {
  readonly lookBackSeconds: number;
  readonly base: Policy | undefined;
  readonly source: PolicySource;
}

/** Reads policies, each distinct one once: most versions of a fleet share a few, and then share the object too. */
export class PolicyReader {
  readonly #options: PolicyReaderOptions;
  readonly #kept = new Map<string, ReadPolicy>();

  constructor(options: PolicyReaderOptions) {
    this.#options = options;
  }

  /** A policy document as scaling targets carry it. */
  readDocument(document: unknown): ReadPolicy {
    if (this.#options.source === 'default' || document === undefined || document === null) return NONE;
    return this.#readOnce(`d${JSON.stringify(document)}`, () => parsePolicy(document, this.#options));
  }

  /** An autoscaling configuration as deployments carry it. */
  readConfiguration(configuration: ReceivedConfiguration | undefined): ReadPolicy {
    if (this.#options.source === 'default' || configuration === undefined) return NONE;
    return this.#readOnce(`c${JSON.stringify(configuration)}`, () =>
      policyOfConfiguration(autoscalingConfigurationSchema.parse(configuration), this.#options),
    );
  }

  #readOnce(key: string, read: () => ParsedPolicy): ReadPolicy {
    const kept = this.#kept.get(key);
    if (kept) return kept;
    const parsed = read();
    const result: ReadPolicy = parsed.ok
      ? parsed
      : { ok: false, detail: scrubLine(`its policy is refused: ${problemsText(parsed.problems)}`, 300) };
    if (this.#kept.size >= KEPT_MAX) this.#kept.clear();
    this.#kept.set(key, result);
    return result;
  }
}

const NONE: ReadPolicy = { ok: true, policy: undefined };
