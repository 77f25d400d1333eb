import type { z } from 'zod';
import { defaultPolicy, POLICY_KINDS, type Policy, policySchema, windowsOf } from './policy.ts';
import type { Target } from './target.ts';

export interface PolicyProblem {
  /** Dotted path of the field; empty for the document itself. */
  readonly path: string;
  readonly message: string;
  /** What to do about it. */
  readonly mend: string;
}

export type ParsedPolicy =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] };

/** All of them in one line, each with what to do about it. */
export function problemsText(problems: readonly PolicyProblem[]): string {
  return problems.map(({ path, message, mend }) => `${path}: ${message}; ${mend}`).join('. ');
}

export interface ParsePolicyOptions {
  /** How far back samples are kept; a stickiness window beyond it could never fill. */
  readonly lookBackSeconds: number;
  /** Fills what the document leaves out, if it is of the same kind; else the kind's own defaults do. */
  readonly base?: Policy | undefined;
}

/**
 * Reads a policy document from outside, whole or partial. Every problem is reported at once, and a document with one is
 * refused as a whole: half a policy is not what was asked for.
 */
export function parsePolicy(document: unknown, { lookBackSeconds, base }: ParsePolicyOptions): ParsedPolicy {
  if (!isRecord(document)) {
    return refused({ path: '', message: 'a policy is an object', mend: `give {kind: ${kindNames(' | ')}, …}` });
  }
  const kind = document['kind'] ?? base?.kind;
  if (!isPolicyKind(kind)) {
    return refused({
      path: 'kind',
      message: kind === undefined ? 'kind is missing' : `there is no policy of kind ${JSON.stringify(kind)}`,
      mend: `give ${kindNames(' or ')}`,
    });
  }
  const whole = base?.kind === kind ? base : defaultPolicy(kind);
  const oneSided = 'up' in whole && 'down' in whole ? findOneSided(document) : undefined;
  if (oneSided) return refused(oneSided);

  const parsed = policySchema.safeParse(mergePolicy(whole, document));
  if (!parsed.success) return { ok: false, problems: firstPerPath(parsed.error.issues.flatMap(problemsOf)) };
  const problems = checkLookBack(parsed.data, lookBackSeconds);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, policy: parsed.data };
}

/** Whether the samples that are kept suffice for the policy. Separate, because the look-back is not part of the policy. */
export function checkLookBack(policy: Policy, lookBackSeconds: number): PolicyProblem[] {
  return windowsOf(policy)
    .filter(({ seconds }) => seconds > lookBackSeconds)
    .map(({ path, seconds }) => ({
      path,
      message: `${seconds} s is longer than the ${lookBackSeconds} s of samples that are kept`,
      mend: `give at most ${Math.floor(lookBackSeconds / 60) * 60}, or raise the look-back of the service`,
    }));
}

/** Bounds come from the control plane beside the policy; these are the ones that nothing can satisfy. */
export function checkBounds(bounds: Pick<Target, 'instancesMin' | 'instancesMax' | 'concurrency'>): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  for (const path of ['instancesMin', 'instancesMax'] as const) {
    if (Number.isInteger(bounds[path]) && bounds[path] >= 0) continue;
    problems.push({ path, message: `${bounds[path]} is no count`, mend: 'give a whole number, 0 or more' });
  }
  if (bounds.instancesMin > bounds.instancesMax) {
    problems.push({
      path: 'instancesMin',
      message: `the minimum ${bounds.instancesMin} is above the maximum ${bounds.instancesMax}`,
      mend: `give at most ${bounds.instancesMax}, or raise instancesMax`,
    });
  }
  if (!(bounds.concurrency >= 1 && Number.isFinite(bounds.concurrency))) {
    problems.push({
      path: 'concurrency',
      message: `an instance that takes ${bounds.concurrency} calls at a time serves nothing`,
      mend: 'give 1 or more',
    });
  }
  return problems;
}

/** The two thresholds are one band: filling one in from elsewhere could turn it upside down. */
function findOneSided(document: Record<string, unknown>): PolicyProblem | undefined {
  const hasUp = document['up'] !== undefined;
  const hasDown = document['down'] !== undefined;
  if (hasUp === hasDown) return undefined;
  const [given, missing, example] = hasUp
    ? ['up', 'down', '{threshold: 30, factor: 0.8}']
    : ['down', 'up', '{threshold: 70, factor: 1.2}'];
  return {
    path: missing,
    message: `only ${given} is given; both thresholds make one band`,
    mend: `give ${missing} too, such as ${example}`,
  };
}

/** Objects are merged field by field; `null` takes an optional field away; everything else replaces. */
function mergePolicy(base: object, over: Record<string, unknown>): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined || key === '__proto__') continue;
    const below = merged[key];
    if (value === null) delete merged[key];
    else merged[key] = isRecord(value) && isRecord(below) ? mergePolicy(below, value) : value;
  }
  return merged;
}

function problemsOf(issue: z.core.$ZodIssue): PolicyProblem[] {
  const path = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: path === '' ? key : `${path}.${key}`,
      message: 'there is no such field',
      mend: 'remove it, or check its spelling',
    }));
  }
  return [{ path, message: issue.message, mend: mendOf(issue) }];
}

/** A later complaint about the same field is a consequence of the first. */
function firstPerPath(problems: readonly PolicyProblem[]): PolicyProblem[] {
  const paths = new Set<string>();
  return problems.filter(({ path }) => !paths.has(path) && paths.add(path));
}

function mendOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'custom':
      return String(issue.params?.['mend'] ?? 'correct it');
    case 'too_small':
      return `give ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
    case 'too_big':
      return `give ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`;
    case 'invalid_type':
      return issue.expected === 'int' ? 'give a whole number' : `give a value of type ${issue.expected}`;
    default:
      return 'correct it';
  }
}

function refused(problem: PolicyProblem): ParsedPolicy {
  return { ok: false, problems: [problem] };
}

function isPolicyKind(kind: unknown): kind is Policy['kind'] {
  return POLICY_KINDS.some((known) => known === kind);
}

function kindNames(separator: string): string {
  return POLICY_KINDS.map((kind) => `'${kind}'`).join(separator);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
