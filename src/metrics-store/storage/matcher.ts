import { compilePattern } from './pattern.ts';

export type MatchOperator = '=' | '!=' | '=~' | '!~';

/** What a selector asks of one label. A label that is absent has the empty text. */
export interface Matcher {
  readonly name: string;
  readonly operator: MatchOperator;
  readonly value: string;
  /** All the values that can match, when they are few and known. */
  readonly values: ReadonlySet<string> | undefined;
  matches(value: string): boolean;
  /** Tests many values at once, which is cheaper; `matches` then remembers. */
  learn(values: Iterable<string>): void;
}

/** Throws a PatternError. */
export function matcherOf(name: string, operator: MatchOperator, value: string): Matcher {
  switch (operator) {
    case '=':
    case '!=': {
      const isEqual = operator === '=';
      const matches = (text: string) => (text === value) === isEqual;
      return {
        ...{ name, operator, value, matches },
        values: isEqual ? new Set([value]) : undefined,
        learn: () => {},
      };
    }
    case '=~':
    case '!~': {
      const isWanted = operator === '=~';
      const pattern = compilePattern(value);
      return {
        ...{ name, operator, value },
        values: isWanted ? pattern.literals : undefined,
        matches: (text) => pattern.test(text) === isWanted,
        learn: pattern.learn,
      };
    }
    default:
      return operator satisfies never;
  }
}
