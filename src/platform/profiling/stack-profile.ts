/** One frame of a stack, as people look for it. */
export interface Frame {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

/** Values of one stack, the leaf first. */
export interface StackSample {
  readonly frames: readonly Frame[];
  /** Whose it is: `process`, and `function` where it is one's. */
  readonly labels: Readonly<Record<string, string>>;
  readonly values: readonly number[];
}

/** More stacks than these go into one that says so: what functions are called is up to them. */
const STACKS_MAX = 50_000;
const OTHER: readonly Frame[] = [{ name: '(other stacks)', file: '', line: 0 }];

/** Sums values by stack and labels. */
export class StackProfile {
  readonly #samples = new Map<string, { frames: readonly Frame[]; labels: StackSample['labels']; values: number[] }>();

  get size(): number {
    return this.#samples.size;
  }

  add({ frames, labels, values }: StackSample): void {
    if (values.every((value) => value <= 0)) return;
    const labelKey = JSON.stringify(labels);
    const key = `${labelKey}\n${frames.map(frameKey).join('\n')}`;
    let kept = this.#samples.get(key);
    if (!kept && this.#samples.size >= STACKS_MAX) {
      kept = this.#samples.get(labelKey);
      if (!kept) {
        kept = { frames: OTHER, labels, values: values.map(() => 0) };
        this.#samples.set(labelKey, kept);
      }
    }
    if (!kept) this.#samples.set(key, { frames, labels, values: [...values] });
    else for (const [index, value] of values.entries()) kept.values[index] = (kept.values[index] ?? 0) + value;
  }

  samples(): Iterable<StackSample> {
    return this.#samples.values();
  }
}

export function frameKey({ name, file, line }: Frame): string {
  return `${name}\t${file}\t${line}`;
}
