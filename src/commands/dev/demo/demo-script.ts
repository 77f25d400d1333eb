/** The functions of the demo and the wave of load that goes over them. */

export interface DemoFunction {
  readonly name: string;
  readonly instancesMax: number;
}

export const DEMO_FUNCTIONS = [
  { name: 'demo-steady', instancesMax: 6 },
  { name: 'demo-burst', instancesMax: 10 },
  { name: 'demo-rare', instancesMax: 4 },
] as const satisfies readonly DemoFunction[];

export type DemoName = (typeof DEMO_FUNCTIONS)[number]['name'];

/** Waits for the given time: the load is calls under way and not this machine's processor. */
const CODE = `exports.handler = async ({ ms = 400 }) => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return { waitedMs: ms };
};`;

export const CALL_MS = 400;

/** Lowers and sleeps within seconds, where the defaults wait for minutes. */
const POLICY = { kind: 'target', windowSeconds: 5, idleTimeoutSeconds: 10, stabilisationDownSeconds: 8 };

/** As it is registered. */
export function definitionOf({ name, instancesMax }: DemoFunction): object {
  return { name, runtime: 'node', code: CODE, pool: { instancesMin: 0, instancesMax }, policy: POLICY };
}

export const MILESTONES = ['scale-up', 'scale-down', 'to zero', 'from zero'] as const;
export type Milestone = (typeof MILESTONES)[number];

/** What a phase waits for: all that is named. */
export interface Goal {
  readonly seen?: Milestone;
  /** The autoscaler sent each of these to zero, and there they are. */
  readonly atZero?: readonly DemoName[];
  /** The autoscaler has these running, and wants at least so many of each. */
  readonly running?: Readonly<Partial<Record<DemoName, number>>>;
  /** The autoscaler wants at most so many of each of these, and at least one. */
  readonly lowered?: Readonly<Partial<Record<DemoName, number>>>;
}

export interface Phase {
  readonly name: string;
  readonly says: string;
  /** Calls under way at any time; nothing said: none. */
  readonly callers: Readonly<Partial<Record<DemoName, number>>>;
  /** It lasts this long, */
  readonly lastsMs: number;
  /** and longer until this is so, */
  readonly until: Goal;
  /** but no longer than this. */
  readonly atMostMs: number;
}

export const PHASES: Readonly<Record<'normal' | 'quick', readonly Phase[]>> = {
  normal: script({ shortMs: 12_000, longMs: 24_000, patienceMs: 45_000 }),
  // For those who want to see all of it and not to look at it: it waits for as long as it takes.
  quick: script({ shortMs: 1_000, longMs: 2_000, patienceMs: 600_000 }),
};

/**
 * Until the autoscaler has set a count, the platform scales by its own rules, and where both want the same count the
 * autoscaler has nothing to change. So the function of the burst is left idle first: only the autoscaler sends it to zero,
 * and from then on every count of it is the autoscaler's.
 */
function script({ shortMs, longMs, patienceMs }: { shortMs: number; longMs: number; patienceMs: number }): Phase[] {
  const lasting = (lastsMs: number) => ({ lastsMs, atMostMs: lastsMs + patienceMs });
  return [
    {
      name: 'steady',
      says: 'two functions get a little, steadily; nobody calls the third',
      callers: { 'demo-steady': 2, 'demo-rare': 1 },
      until: { atZero: ['demo-burst'] },
      ...lasting(longMs),
    },
    {
      name: 'wake',
      says: 'somebody calls the third: from zero',
      callers: { 'demo-steady': 2, 'demo-burst': 1 },
      until: { running: { 'demo-burst': 1 }, seen: 'from zero' },
      ...lasting(shortMs),
    },
    {
      name: 'burst',
      says: 'it gets a burst: it scales up',
      callers: { 'demo-steady': 2, 'demo-burst': 5 },
      until: { running: { 'demo-burst': 5 }, seen: 'scale-up' },
      ...lasting(longMs),
    },
    {
      name: 'calm',
      says: 'the burst is almost over: it scales down',
      callers: { 'demo-steady': 1, 'demo-burst': 1 },
      until: { lowered: { 'demo-burst': 4 }, seen: 'scale-down' },
      ...lasting(longMs),
    },
    {
      name: 'silence',
      says: 'nobody calls: all of them go to zero',
      callers: {},
      until: { atZero: DEMO_FUNCTIONS.map(({ name }) => name), seen: 'to zero' },
      ...lasting(shortMs),
    },
    {
      name: 'again',
      says: 'somebody calls again: from zero',
      callers: { 'demo-rare': 2 },
      until: { running: { 'demo-rare': 2 } },
      ...lasting(longMs),
    },
  ];
}
