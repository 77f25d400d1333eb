import type { Clock } from '../../lib/clock.ts';
import { withDeadline } from '../../lib/deadline.ts';
import type { Random } from '../../lib/random.ts';
import type { JsonAnswer } from '../wire/exchange.ts';
import type { Outcome } from '../wire/outcome.ts';
import type { ControlPlaneConnection, ControlPlaneRequest } from './connection.ts';
import type { PolicyReader } from './policy-reader.ts';
import type { TargetCache } from './target-cache.ts';

/** What reading by pages and reading one by one need alike. */
export interface ReadingOptions {
  readonly connection: ControlPlaneConnection;
  readonly clock: Clock;
  readonly random: Random;
  readonly cache: TargetCache;
  readonly policies: PolicyReader;
  readonly refreshMs: number;
  readonly timeoutMs: number;
  readonly responseMaxBytes: number;
  /** Nothing new is begun in one refresh after this long. */
  readonly budgetMs: number;
}

export function answerTo(
  request: Pick<ControlPlaneRequest, 'call' | 'path' | 'headers'>,
  means: Pick<ReadingOptions, 'connection' | 'clock' | 'timeoutMs' | 'responseMaxBytes'> & {
    what: string;
    signal: AbortSignal | undefined;
  },
): Promise<Outcome<JsonAnswer>> {
  const { connection, clock, what, timeoutMs: afterMs, responseMaxBytes, signal } = means;
  return withDeadline({ clock, what, afterMs, signal }, (ending) =>
    connection.request({ ...request, method: 'GET', responseMaxBytes, signal: ending }),
  );
}

/** The first time anywhere in the span, so that what is first read together falls due apart; then near its end, so that it stays so. */
export function msUntilNext(
  { refreshMs, random }: Pick<ReadingOptions, 'refreshMs' | 'random'>,
  { isFirst }: { isFirst: boolean },
): number {
  return refreshMs * (isFirst ? 0.1 + random.next() * 0.9 : 0.9 + random.next() * 0.1);
}
