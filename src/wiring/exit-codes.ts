/** How every command ends. Scripts rely on these: a number never changes its meaning. */
export const EXIT = {
  ok: 0,
  failed: 1,
  /** Wrong usage, wrong configuration, or anything else that keeps a service from starting. */
  usage: 2,
  /** The check ran and its answer is no. */
  checkFalse: 3,
  cannotConnect: 4,
  notAuthorised: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
