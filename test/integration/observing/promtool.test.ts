import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { DASHBOARDS } from '../../../config/dashboards/dashboards.ts';
import { panelsOf } from '../../observing/board-panels.ts';
import { withoutVariables } from '../../observing/named-series.ts';
import { leftOutWithout } from '../autoscale/left-out.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const RULES = path.join(root, 'config/alerts/starling.rules.yaml');

describe('promtool', { skip: await leftOutWithout('prometheus') }, () => {
  let scratch: string;
  beforeAll(() => {
    scratch = mkdtempSync(path.join(tmpdir(), 'starling-promtool-'));
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  function promtool(...args: readonly string[]): { status: number | null; said: string } {
    const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
    return { status, said: stdout + stderr };
  }

  it('accepts the rules', () => {
    const { status, said } = promtool('check', 'rules', '--lint-fatal', RULES);
    expect(said).toMatch(/SUCCESS: \d\d rules found/);
    expect(status).toBe(0);
  });

  it('sees every alert fire in one case and stay silent in another', () => {
    const cases = readFileSync(path.join(root, 'config/alerts/starling.rules.test.yaml'), 'utf8')
      .replace(/^rule_files:.*$/m, `rule_files: ['${RULES}']`)
      .replaceAll(/^.*bucket="(\d+) to (\d+)".*$/gm, (line, from: string, to: string) =>
        Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) =>
          line.replace(/"\d+ to \d+"/, `"${Number(from) + index}"`),
        ).join('\n'),
      );
    const file = path.join(scratch, 'cases.yaml');
    writeFileSync(file, cases);
    const { status, said } = promtool('test', 'rules', file);
    expect(said).toMatch(/SUCCESS\s*$/);
    expect(status).toBe(0);
  });

  it('parses every expression of the dashboards', () => {
    const expressions = Object.values(DASHBOARDS).flatMap((board) =>
      panelsOf(board).flatMap(({ queries }) => queries.map(({ expr }) => withoutVariables(expr))),
    );
    const rules = expressions.map((expr, index) => ({ record: `panel:query:${index}`, expr }));
    const file = path.join(scratch, 'expressions.yaml');
    writeFileSync(file, stringify({ groups: [{ name: 'panels', rules }] }));
    const { status, said } = promtool('check', 'rules', '--lint=none', file);
    expect(said).toContain(`SUCCESS: ${expressions.length} rules found`);
    expect(status).toBe(0);
  });
});
