import type { Assignment, Layer } from './assignment.ts';
import { LEAF_BY_ENV } from './declarations.ts';
import { nearest } from './nearest.ts';
import type { ConfigProblem } from './problem.ts';

const PREFIX = 'STARLING_';

/** Names with our prefix that are not options: the list of configuration files, */
export const CONFIG_FILES_ENV = 'STARLING_CONFIG';
/** and what is for the command line alone: where errors come from, and which server is meant. */
const NO_OPTIONS: ReadonlySet<string> = new Set([CONFIG_FILES_ENV, 'STARLING_DEBUG', 'STARLING_URL']);

/** What Kubernetes puts into every pod for a service called `starling` or `starling-…`; none of our business. */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** An empty variable counts as unset: that is what `${NAME:-}` in a compose file leaves behind. */
export function readEnvLayer(env: Readonly<Record<string, string | undefined>>): Layer {
  const assignments: Assignment[] = [];
  const problems: ConfigProblem[] = [];
  for (const [name, given] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || !given || NO_OPTIONS.has(name)) continue;
    const leaf = LEAF_BY_ENV.get(name);
    if (leaf) {
      assignments.push({ leaf, given, source: `environment ${name}` });
    } else if (!SERVICE_LINK.test(name)) {
      const guess = nearest(name, LEAF_BY_ENV.keys());
      problems.push({
        key: name,
        // It may be a mistyped secret.
        value: undefined,
        source: 'environment',
        says: 'there is no such option',
        mend: guess ? `did you mean ${guess}?` : 'unset it, or see docs/configuration.md for the names',
      });
    }
  }
  return { assignments, problems };
}
