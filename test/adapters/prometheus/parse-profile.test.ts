import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { loadProfiles } from '../../../src/adapters/prometheus/load-profiles.ts';
import { ProfileError, parseProfile } from '../../../src/adapters/prometheus/parse-profile.ts';

const good = await readFile(new URL('../../../config/profiles/worker-threads.yaml', import.meta.url), 'utf8');

function problemsOf(text: string): readonly string[] {
  try {
    parseProfile(text, 'mine.yaml');
  } catch (error) {
    if (error instanceof ProfileError) return error.problems;
    throw error;
  }
  return [];
}

const lineOf = (text: string, part: string) => text.slice(0, text.indexOf(part)).split('\n').length;

describe('signal profiles', () => {
  it('that ship are good, and come in the order asked for', async () => {
    const names = ['llm-gateway', 'worker-threads', 'control-plane'];
    const profiles = await loadProfiles({ names });
    expect(profiles.map((profile) => profile.name)).toEqual(names);
    for (const profile of profiles) {
      expect(profile.signals.utilisation, profile.name).toBeDefined();
      expect(profile.signals.demand, profile.name).toBeDefined();
      expect(profile.signals.instances, profile.name).toBeDefined();
      expect(profile.signals.invocation, profile.name).toBeDefined();
    }
  });

  it('are all good, whoever wrote them', async () => {
    const files = await readdir(new URL('../../../config/profiles/', import.meta.url));
    const names = files.map((file) => file.replace(/\.yaml$/, ''));
    expect((await loadProfiles({ names })).map((profile) => profile.name)).toEqual(names);
  });

  it('look as docs/signals.md says', async () => {
    const page = await readFile(new URL('../../../docs/signals.md', import.meta.url), 'utf8');
    const [, text = ''] = /^```yaml profile\n(.*?)^```$/ms.exec(page) ?? [];
    expect(parseProfile(text, 'docs/signals.md').name).toBe('my-workers');
  });

  it('know the line of each of their queries', () => {
    const profile = parseProfile(good, 'mine.yaml');
    expect(profile.queries.get('busy')?.source).toBe(`mine.yaml:${lineOf(good, 'promql: sum by ({{by}}) (rate(')}`);
  });

  it('name the file, line and column of what is wrong', () => {
    const unknownKey = good.replace('rateScrapes: 5', 'rateScrapes: 1');
    expect(problemsOf(unknownKey)).toEqual([
      expect.stringMatching(new RegExp(`^mine.yaml:${lineOf(unknownKey, 'rateScrapes')}:14: rateScrapes: .*2`)),
    ]);
    const lost = good.replace('demand: busy', 'demand: buzy');
    expect(problemsOf(lost)).toEqual([
      `mine.yaml:${lineOf(lost, 'demand: buzy')}:11: signals.demand: names the query "buzy", which is not there; there are busy, threads, calls, recentCalls, knownInstances, knownCalls`,
    ]);
    expect(problemsOf('name: [')[0]).toMatch(/^mine.yaml:1:8: /);
    expect(problemsOf('')[0]).toMatch(/^mine.yaml:1:1: the profile: /);
  });

  it('say everything that is wrong at once', () => {
    const twice = good
      .replace('[{{rate}}]', '[{{rite}}]')
      .replace('functionId: function_id', 'functionId: function-id');
    // The schema speaks first; what it lets through is looked at more closely.
    expect(problemsOf(twice)).toEqual([expect.stringContaining('identity.functionId: is not a Prometheus label name')]);
    const placeholders = good.replace('[{{rate}}]', '[{{rite}}]').replace('sum by ({{by}}) (rate', 'sum by (x) (rate');
    expect(problemsOf(placeholders)).toEqual([
      expect.stringContaining('is used by signals.utilisation and must group by {{by}}'),
      expect.stringContaining('is used by signals.demand and must group by {{by}}'),
      expect.stringContaining('has the unknown placeholder {{rite}}'),
    ]);
    expect(problemsOf(good.replace('total{ {{match}} }[{{rate}}]', 'total[{{rate}}]'))).toEqual([
      expect.stringContaining('must have {{match}}'),
    ]);
  });

  it('that are asked for and not there are named with those that are', async () => {
    await expect(loadProfiles({ names: ['worker-treads'] })).rejects.toThrow(
      /there is no such profile; there are control-plane, llm-gateway, .*worker-threads/,
    );
    await expect(loadProfiles({ names: [], directory: '/nowhere/at/all' })).rejects.toThrow(/cannot be read/);
  });
});
