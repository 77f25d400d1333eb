import { type Labels, labelsKey, labelValue, METRIC_NAME, pickLabels } from '../storage/labels.ts';
import type { Matching } from './expression.ts';

/** The same text for labels that match. */
export function signer({ isOn, labels }: Matching): (of: Labels) => string {
  if (isOn) {
    const [only] = labels;
    if (only !== undefined && labels.length === 1) return (of) => labelValue(of, only);
    return (of) => labels.map((name) => `${labelValue(of, name).length}:${labelValue(of, name)}`).join('');
  }
  const ignored = new Set([...labels, METRIC_NAME]);
  return (of) => labelsKey(pickLabels(of, ignored, false));
}
