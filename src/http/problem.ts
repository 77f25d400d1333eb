/** RFC 9457: one shape for every error of our HTTP interfaces. `code` is stable; `detail` says what to do next. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly errors?: readonly { readonly pointer: string; readonly message: string }[];
}

export class ProblemError extends Error {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;
  constructor(problem: Omit<Problem, 'type'>, headers: Readonly<Record<string, string>> = {}) {
    super(problem.detail);
    this.name = 'ProblemError';
    this.problem = { type: `urn:starling:problem:${problem.code}`, ...problem };
    this.headers = headers;
  }
}
