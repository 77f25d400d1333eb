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

/** Waits as long as it is told: the load is calls under way and not this machine's processor. */
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

export const SIGHTS = ['scale-up', 'scale-down', 'to zero', 'from zero'] as const;
export type Sight = (typeof SIGHTS)[number];

export interface Phase {
  readonly name: string;
  readonly says: string;
  /** Calls under way at any time; nothing said: none. */
  readonly callers: Readonly<Partial<Record<DemoName, number>>>;
  /** It lasts this long, */
  readonly lastsMs: number;
  /** and longer until this was seen, */
  readonly until: Sight | 'in hand' | 'all at zero';
  /** but no longer than this. */
  readonly atMostMs: number;
}

export const PHASES: Readonly<Record<'normal' | 'quick', readonly Phase[]>> = {
  normal: script({ shortMs: 15_000, longMs: 30_000, patienceMs: 45_000 }),
  quick: script({ shortMs: 1_000, longMs: 2_000, patienceMs: 90_000 }),
};

function script({ shortMs, longMs, patienceMs }: { shortMs: number; longMs: number; patienceMs: number }): Phase[] {
  const lasting = (lastsMs: number) => ({ lastsMs, atMostMs: lastsMs + patienceMs });
  return [
    {
      name: 'steady',
      says: 'two functions get a little, steadily',
      callers: { 'demo-steady': 2, 'demo-rare': 1 },
      until: 'in hand',
      ...lasting(longMs),
    },
    {
      name: 'burst',
      says: 'one gets a burst: it scales up',
      callers: { 'demo-steady': 2, 'demo-burst': 5 },
      until: 'scale-up',
      ...lasting(longMs),
    },
    {
      name: 'calm',
      says: 'the burst is almost over: it scales down',
      callers: { 'demo-steady': 1, 'demo-burst': 1 },
      until: 'scale-down',
      ...lasting(longMs),
    },
    {
      name: 'silence',
      says: 'nobody calls: all of them go to zero',
      callers: {},
      until: 'all at zero',
      ...lasting(shortMs),
    },
    {
      name: 'again',
      says: 'somebody calls again: from zero',
      callers: { 'demo-rare': 2 },
      until: 'in hand',
      ...lasting(longMs),
    },
  ];
}
