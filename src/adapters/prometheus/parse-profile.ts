import { LineCounter, type Node, parseDocument } from 'yaml';
import {
  type ProfileDocument,
  type ProfileQuery,
  queriesOf,
  SIGNALS,
  type SignalProfile,
  signalProfileSchema,
} from './signal-profile.ts';

type Path = readonly (string | number)[];

/** Everything that is wrong with one profile file, each with its line. */
export class ProfileError extends Error {
  override name = 'ProfileError';
  readonly problems: readonly string[];
  constructor(file: string, problems: readonly string[]) {
    super(`the signal profile ${file} cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

const PLACEHOLDERS = ['match', 'environment', 'by', 'identity', 'rate', 'fresh', 'idle'] as const;

/** Reads a profile from YAML. `file` is only for messages. */
export function parseProfile(text: string, file: string): SignalProfile {
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  if (yaml.errors.length > 0) {
    throw new ProfileError(
      file,
      yaml.errors.map((error) => `${at(error.pos[0])}: ${error.message}`),
    );
  }
  const offsetOf = (path: Path): number => {
    for (let length = path.length; length >= 0; length -= 1) {
      const node = yaml.getIn(path.slice(0, length), true) as Node | undefined;
      if (node?.range) return node.range[0];
    }
    return 0;
  };
  const checked = signalProfileSchema.safeParse(yaml.toJS());
  const faults = checked.success
    ? crossCheck(checked.data)
    : checked.error.issues.map((issue) => ({ path: issue.path as Path, says: issue.message }));
  if (faults.length > 0 || !checked.success) {
    throw new ProfileError(
      file,
      faults.map(({ path, says }) => `${at(offsetOf(path))}: ${path.join('.') || 'the profile'}: ${says}`),
    );
  }
  const sourceOf = (query: string) => at(offsetOf(['queries', query, 'promql'])).replace(/:\d+$/, '');
  return profileOf(checked.data, sourceOf);
}

function profileOf(document: ProfileDocument, sourceOf: (query: string) => string): SignalProfile {
  const queries = new Map<string, ProfileQuery>();
  for (const [name, query] of Object.entries(document.queries)) {
    queries.set(name, { ...query, name, promql: query.promql.trim(), source: sourceOf(name) });
  }
  return { ...document, queries };
}

interface Fault {
  readonly path: Path;
  readonly says: string;
}

/** What the schema cannot see: names that lead nowhere, placeholders that nobody fills. */
function crossCheck(document: ProfileDocument): Fault[] {
  const faults: Fault[] = [];
  const uses: Array<{ path: Path; query: string; needs: '{{by}}' | '{{identity}}' }> = [];
  for (const signal of SIGNALS) {
    for (const query of queriesOf(document.signals[signal])) {
      uses.push({ path: ['signals', signal], query, needs: '{{by}}' });
    }
  }
  for (const kind of ['instances', 'calls'] as const) {
    const query = document.discovery[kind];
    if (query !== undefined) uses.push({ path: ['discovery', kind], query, needs: '{{identity}}' });
  }
  if (document.recentCalls !== undefined) {
    uses.push({ path: ['recentCalls'], query: document.recentCalls, needs: '{{by}}' });
  }
  for (const { path, query, needs } of uses) {
    const found = document.queries[query];
    if (!found) {
      const known = Object.keys(document.queries).join(', ');
      faults.push({ path, says: `names the query "${query}", which is not there; there are ${known}` });
    } else if (!found.promql.includes(needs)) {
      faults.push({
        path: ['queries', query, 'promql'],
        says: `is used by ${path.join('.')} and must group by ${needs}`,
      });
    }
  }
  for (const [name, { promql }] of Object.entries(document.queries)) {
    for (const [, placeholder = ''] of promql.matchAll(/\{\{([^{}]*)\}\}/g)) {
      if ((PLACEHOLDERS as readonly string[]).includes(placeholder)) continue;
      faults.push({
        path: ['queries', name, 'promql'],
        says: `has the unknown placeholder {{${placeholder}}}; there are ${PLACEHOLDERS.map((known) => `{{${known}}}`).join(', ')}`,
      });
    }
    if (!promql.includes('{{match}}')) {
      faults.push({
        path: ['queries', name, 'promql'],
        says: 'must have {{match}} inside a selector: it would read everything otherwise',
      });
    }
  }
  return faults;
}
