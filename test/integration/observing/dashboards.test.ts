import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DASHBOARDS } from '../../../config/dashboards/dashboards.ts';
import { leftOutWithout } from '../autoscale/left-out.ts';
import { type AnsweredPanel, askBoard } from './answers.ts';
import { type RealRun, realRun } from './real-run.ts';

describe('the dashboards on a real run with an outage and a kill', {
  skip: await leftOutWithout('prometheus'),
}, () => {
  let run: RealRun;
  const answers = new Map<string, AnsweredPanel[]>();

  beforeAll(async () => {
    run = await realRun();
    const { url, beginMs, endMs } = run;
    for (const [name, board] of Object.entries(DASHBOARDS)) {
      const variables = { version: 'version-1', function: 'f-version-1' };
      answers.set(name, await askBoard(board, { url, beginMs, endMs, variables }));
    }
    const file = process.env['SAVE_RUN'];
    if (file) writeFileSync(file, JSON.stringify({ run, answers: Object.fromEntries(answers) }));
  }, 420_000);

  afterAll(async () => {
    await run?.stop();
  });

  it.each(Object.keys(DASHBOARDS))('%s has no empty panel that does not say why', (name) => {
    const empty = answers.get(name)?.filter(({ lines }) => lines.length === 0) ?? [];
    expect(empty.filter(({ panel }) => !/\bEmpty (while|unless) /.test(panel.description))).toEqual([]);
  });
});
