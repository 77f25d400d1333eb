/** No answer is believed that says to stay away for longer. */
const RETRY_AFTER_MAX_MS = 300_000;

/**
 * How long to stay away, from Retry-After in seconds or as a date. A date is measured against the answer's own Date where
 * there is one: two clocks that disagree would make the pause endless or nothing.
 */
export function retryAfter(header: (name: string) => string | undefined, nowWallMs: number): number | undefined {
  const text = header('retry-after')?.trim();
  if (!text) return undefined;
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text) * 1_000, RETRY_AFTER_MAX_MS);
  const untilMs = Date.parse(text);
  if (Number.isNaN(untilMs) || !/[a-z]/i.test(text)) return undefined;
  const answerWallMs = Date.parse(header('date') ?? '');
  const fromMs = Number.isNaN(answerWallMs) ? nowWallMs : answerWallMs;
  return Math.min(Math.max(0, untilMs - fromMs), RETRY_AFTER_MAX_MS);
}
