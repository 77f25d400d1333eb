import type { Reply } from '../model/reply.ts';
import type { DialectTools } from './dialect.ts';
import { type Route, route } from './route.ts';

/** The pages of profiles, where Go programs have theirs. `missing`: the reply where nothing is profiled. */
export function profileRoutes({ profilePages }: DialectTools, { missing }: { missing: () => Reply }): readonly Route[] {
  return ['/debug/pprof', '/debug/pprof/{page+}'].map((path) =>
    route('ANY', path, ({ request, response }) => (profilePages?.(request, response) ? undefined : missing()), {
      bodyMaxBytes: 'unread',
    }),
  );
}
