const UNITS_MS: readonly (readonly [unit: string, ms: number])[] = [
  ['y', 365 * 86_400_000],
  ['w', 7 * 86_400_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
];
const DURATION = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** `1h30m`, each unit once and from large to small; undefined for anything else. */
export function parseDurationMs(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (!match || text === '') return undefined;
  return UNITS_MS.reduce((sum, [, ms], at) => sum + Number(match[at + 1] ?? 0) * ms, 0);
}

/** `1h30m`, as parse errors and error texts show it. */
export function showDuration(durationMs: number): string {
  let rest = durationMs;
  let text = '';
  for (const [unit, ms] of UNITS_MS) {
    const count = Math.floor(rest / ms);
    if (count === 0) continue;
    text += `${count}${unit}`;
    rest -= count * ms;
  }
  return text || '0s';
}
