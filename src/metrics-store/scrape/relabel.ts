import { createHash } from 'node:crypto';
import { type Labels, labelEntries, labelsOf, labelValue, withLabel } from '../storage/labels.ts';
import { compilePattern } from '../storage/pattern.ts';

/** What is done to the labels of a series before it is kept; as Prometheus' `metric_relabel_configs`, of which these are the most used. */
export type RelabelRule =
  | {
      readonly action: 'hashmod';
      readonly sourceLabels: readonly string[];
      readonly modulus: number;
      readonly targetLabel: string;
    }
  | {
      readonly action: 'replace';
      readonly sourceLabels: readonly string[];
      readonly regex: string;
      readonly targetLabel: string;
      readonly replacement: string;
    }
  | { readonly action: 'keep' | 'drop'; readonly sourceLabels: readonly string[]; readonly regex: string }
  | { readonly action: 'labeldrop' | 'labelkeep'; readonly regex: string };

const SEPARATOR = ';';

/** Undefined when the series is not to be kept. */
export function relabel(labels: Labels, rules: readonly RelabelRule[]): Labels | undefined {
  let result = labels;
  for (const rule of rules) {
    switch (rule.action) {
      case 'hashmod': {
        const { sourceLabels, modulus, targetLabel } = rule;
        result = withLabel(result, targetLabel, String(hashmod(joined(result, sourceLabels), modulus)));
        break;
      }
      case 'replace': {
        const value = compilePattern(rule.regex).expand(rule.replacement, joined(result, rule.sourceLabels));
        if (value !== undefined) result = withLabel(result, rule.targetLabel, value);
        break;
      }
      case 'keep':
      case 'drop':
        if (compilePattern(rule.regex).test(joined(result, rule.sourceLabels)) !== (rule.action === 'keep')) {
          return undefined;
        }
        break;
      case 'labeldrop':
      case 'labelkeep': {
        const pattern = compilePattern(rule.regex);
        const isKept = rule.action === 'labelkeep';
        result = labelsOf(labelEntries(result).filter(([name]) => pattern.test(name) === isKept));
        break;
      }
      default:
        return rule satisfies never;
    }
  }
  return result;
}

function joined(labels: Labels, names: readonly string[]): string {
  return names.map((name) => labelValue(labels, name)).join(SEPARATOR);
}

/** As Prometheus counts it: the last eight bytes of the MD5, so that buckets are the same for any scraper. */
function hashmod(text: string, modulus: number): bigint {
  return createHash('md5').update(text).digest().readBigUInt64BE(8) % BigInt(modulus);
}

/**
 * Gives each series of a function version the number of its bucket: what `hashmod` does, but only where there is such a label,
 * so that other series do not all fall into one bucket.
 */
export function bucketRules({ label, of, modulus }: { label: string; of: string; modulus: number }): RelabelRule[] {
  return [
    { action: 'hashmod', sourceLabels: [of], modulus, targetLabel: '__tmp_bucket' },
    { action: 'replace', sourceLabels: [of, '__tmp_bucket'], regex: '.+;(.+)', targetLabel: label, replacement: '$1' },
    { action: 'labeldrop', regex: '__tmp_bucket' },
  ];
}
