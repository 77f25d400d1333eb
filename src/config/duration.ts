const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/gy;
const ISO = /^P(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;

/** Reads `15s`, `500ms`, `1m30s`, `7d` or ISO 8601 (`PT10M`) as milliseconds; undefined when it is none of these. */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === '0') return 0;
  return trimmed.startsWith('P') ? parseIso(trimmed) : parseParts(trimmed);
}

function parseParts(text: string): number | undefined {
  let totalMs = 0;
  let read = 0;
  for (const [part, count, unit = ''] of text.matchAll(PART)) {
    totalMs += Number(count) * (UNIT_MS[unit] ?? Number.NaN);
    read += part.length;
  }
  return read === text.length && read > 0 ? wholeMs(totalMs) : undefined;
}

function parseIso(text: string): number | undefined {
  const match = ISO.exec(text);
  if (!match || text.endsWith('P') || text.endsWith('T')) return undefined;
  const [, days = '0', hours = '0', minutes = '0', seconds = '0'] = match;
  return wholeMs(
    Number(days) * 86_400_000 + Number(hours) * 3_600_000 + Number(minutes) * 60_000 + Number(seconds) * 1000,
  );
}

/** 0.1 s is 100 ms and not 100.00000000000001. */
function wholeMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** The shortest text that reads back as the same duration. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (ms % 1000 !== 0) return ms < 1000 ? `${ms}ms` : `${ms / 1000}s`;
  let rest = ms;
  let text = '';
  for (const unit of ['d', 'h', 'm', 's']) {
    const size = UNIT_MS[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
