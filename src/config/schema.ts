import convict from 'convict';
import { LEAVES, nested } from './declarations.ts';
import type { Option } from './option.ts';
import type { Stored, ValueKind } from './value-kind.ts';

for (const kind of new Map(LEAVES.map(({ option }) => [option.format, option.kind])).values()) {
  convict.addFormat({
    name: kind.name,
    // Convict stops at the first text that throws here; what is left unread is a fault of validate, with all others.
    coerce(text: string) {
      try {
        return kind.read(text);
      } catch {
        return text;
      }
    },
    validate(value: Stored, option) {
      const rule = brokenRule(kind, value, option as unknown as Option);
      if (rule !== undefined) throw new Error(`must be ${rule}`);
    },
  });
}

/** Every declared option, as convict wants it. */
export const SCHEMA = nested(LEAVES.map(({ key, env, option }) => [key, { ...option, env }])) as convict.Schema<
  Record<string, unknown>
>;

/** The rule that a value breaks, to stand after "must be". */
function brokenRule(kind: ValueKind, value: Stored, option: Option): string | undefined {
  const { min, max, choices, pattern, patternSays } = option;
  if (typeof value === 'number') {
    if (min !== undefined && value < Number(kind.read(min))) return `at least ${min}`;
    if (max !== undefined && value > Number(kind.read(max))) return `at most ${max}`;
    return undefined;
  }
  if (typeof value === 'object' && !kind.isList) return 'one value, not a list';
  const texts = typeof value === 'object' ? value : [String(value)];
  try {
    if (typeof value === 'string') kind.read(value);
  } catch (error) {
    return (error as Error).message;
  }
  if (choices && !choices.includes(String(value))) return `one of ${choices.join(', ')}`;
  if (kind.item && !texts.every((text) => kind.item?.pattern.test(text))) return kind.item.says;
  if (pattern && !texts.every((text) => pattern.test(text))) return patternSays ?? `like ${pattern.source}`;
  return undefined;
}
