import { parse } from 'yaml';
import { parsePolicy, problemsText } from '../../domain/parse-policy.ts';
import type { Policy, PolicySource } from '../../domain/policy.ts';
import type { ReadPolicyText } from './workload.ts';

export interface PolicyReaderOptions {
  readonly lookBackSeconds: number;
  readonly basePolicy: Policy | undefined;
  readonly policySource?: PolicySource | undefined;
}

/** Reads policies, each distinct text once: most workloads share a few, and then share the object too. */
export function policyReader(options: PolicyReaderOptions): ReadPolicyText {
  if (options.policySource === 'default') return () => ({ ok: true, policy: undefined });
  const kept = new Map<string, ReturnType<ReadPolicyText>>();
  return (text) => {
    const known = kept.get(text);
    if (known) return known;
    const read = readPolicy(text, options);
    if (kept.size >= 10_000) kept.clear();
    kept.set(text, read);
    return read;
  };
}

function readPolicy(text: string, { lookBackSeconds, basePolicy }: PolicyReaderOptions): ReturnType<ReadPolicyText> {
  let document: unknown;
  try {
    document = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    return { ok: false, detail: `it is neither JSON nor YAML: ${(error as Error).message.split('\n')[0]}` };
  }
  const parsed = parsePolicy(document, { lookBackSeconds, base: basePolicy });
  return parsed.ok ? parsed : { ok: false, detail: problemsText(parsed.problems) };
}
