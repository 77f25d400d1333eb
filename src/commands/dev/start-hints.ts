import { connect } from 'node:net';
import { z } from 'zod';

/** Why a start takes long, for the person who waits. */

const WITHIN_MS = 2_000;

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

/** Why this address cannot be reached; undefined: something listens there. */
export async function whyUnreachable(url: string, signal: AbortSignal): Promise<string | undefined> {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const socket = connect({ host, port: Number(port) || (protocol === 'https:' ? 443 : 80) });
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const give = () => resolve(undefined);
  socket.once('connect', give);
  socket.once('error', ({ code = '', message }: NodeJS.ErrnoException) => resolve(REASONS[code] ?? message));
  socket.setTimeout(WITHIN_MS, () => resolve(`no answer within ${WITHIN_MS / 1000} s`));
  signal.addEventListener('abort', give, { once: true });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', give);
    socket.destroy();
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'there is no such host',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that host',
};
