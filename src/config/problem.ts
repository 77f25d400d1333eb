/** One thing that is wrong, with what it takes to put it right. */
export interface ConfigProblem {
  readonly key: string;
  /** As it was written, masked where it is secret; left out where there is no value to show. */
  readonly value?: string | undefined;
  /** `file:line`, the environment variable, the flag, or `default`. */
  readonly source: string;
  readonly says: string;
  readonly mend: string;
}

/** Everything that is wrong with a configuration, at once. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(textOf(problems));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

function textOf(problems: readonly ConfigProblem[]): string {
  const count = problems.length === 1 ? 'One fault' : `${problems.length} faults`;
  const parts = problems.map(({ key, value, source, says, mend }) =>
    [
      `  ${value === undefined ? key : `${key} = ${shorten(value)}`}`,
      `    from  ${source}`,
      `    fault ${says}`,
      `    mend  ${mend}`,
    ].join('\n'),
  );
  return `${count} in the configuration:\n\n${parts.join('\n\n')}`;
}

/** A terminal acts on control characters, and a mistyped file may be full of them. */
function shorten(value: string): string {
  const printable = JSON.stringify(value).slice(1, -1);
  return printable.length > 120 ? `${printable.slice(0, 117)}...` : printable;
}
