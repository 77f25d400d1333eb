import { z } from 'zod';

const eventSchema = z.object({
  event: z.enum(['dependency.up', 'dependency.down']),
  dependency: z.string(),
  detail: z.string(),
});

/** What a replica waits for and why, by its log: of each, what was wrong when it was last found to be away. */
export function waitingFor(log: string): string[] {
  const away = new Map<string, string>();
  for (const line of log.split('\n')) {
    const parsed = eventSchema.safeParse(parsedLine(line));
    if (!parsed.success) continue;
    const { event, dependency, detail } = parsed.data;
    if (event === 'dependency.up') away.delete(dependency);
    // What follows is mostly that it is left alone for a while.
    else if (!away.has(dependency)) away.set(dependency, detail);
  }
  return [...away].map(([dependency, detail]) => `${dependency}: ${detail}`);
}

function parsedLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
