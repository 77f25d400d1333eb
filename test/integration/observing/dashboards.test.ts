import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DASHBOARDS } from '../../../config/dashboards/dashboards.ts';
import { rowsOf } from '../../observing/board-panels.ts';
import { toPalette } from '../../observing/palette-png.ts';
import { launchBrowser, leftOutWithoutBrowser } from '../../support/browser.ts';
import { leftOutWithout } from '../autoscale/left-out.ts';
import { type AnsweredPanel, askBoard } from './answers.ts';
import { boardPage } from './board-page.ts';
import { type RealRun, realRun } from './real-run.ts';

const PICTURES = fileURLToPath(new URL('../../../docs/images/', import.meta.url));

/** What somebody has chosen who looks at the boards. */
const CHOSEN = { version: 'version-1', function: 'f-version-1' };

describe('the dashboards on a real run with an outage and a kill', {
  skip: await leftOutWithout('prometheus'),
}, () => {
  let run: RealRun;
  const answers = new Map<string, AnsweredPanel[]>();

  beforeAll(async () => {
    run = await realRun();
    const { url, beginMs, endMs } = run;
    for (const [name, board] of Object.entries(DASHBOARDS)) {
      answers.set(name, await askBoard(board, { url, beginMs, endMs, variables: CHOSEN }));
    }
    const file = process.env['SAVE_RUN'];
    if (file) writeFileSync(file, JSON.stringify({ run, answers: Object.fromEntries(answers) }));
  }, 420_000);

  afterAll(async () => {
    await run?.stop();
  });

  const valuesOf = (board: string, title: string, name: string) => {
    const panel = answers.get(board)?.find((each) => each.panel.title === title);
    return panel?.lines.filter((line) => line.name === name).flatMap(({ values }) => values) ?? [];
  };

  it.each(Object.keys(DASHBOARDS))('%s explains every empty panel', (name) => {
    const empty = answers.get(name)?.filter(({ lines }) => lines.length === 0) ?? [];
    expect(empty.filter(({ panel }) => !/\bEmpty (while|unless) /.test(panel.description))).toEqual([]);
  });

  it('show the outage of the store, the kill and the refusals', () => {
    expect(Math.max(...valuesOf('sharding', 'Since the last success of each loop', 'beat'))).toBeGreaterThan(8);
    expect(
      Math.max(...valuesOf('sharding', 'Overruns, failures and breaks of time', 'beat: failures')),
    ).toBeGreaterThan(0);
    expect(valuesOf('overview', 'Replicas', 'replicas')).toEqual([3]);
    const members = answers.get('sharding')?.find(({ panel }) => panel.title.startsWith('Members'))?.lines ?? [];
    expect(members.some(({ values }) => values.includes(2) && values.at(-1) === 3)).toBe(true);
    expect(Math.max(...valuesOf('overview', 'Wishes sent', 'failed'))).toBeGreaterThan(0);
  });

  it('show every bucket served once after the trouble', () => {
    expect(valuesOf('overview', 'Buckets unserved', 'unserved').at(-1)).toBe(0);
    expect(valuesOf('overview', 'Discovery', 'holders').at(-1)).toBe(1);
    const panel = answers.get('sharding')?.find((each) => each.panel.title === 'Buckets of each replica');
    const latest = panel?.lines.filter(({ timesMs }) => (timesMs.at(-1) ?? 0) > run.endMs - 4_000) ?? [];
    expect(latest.reduce((sum, { values }) => sum + (values.at(-1) ?? 0), 0)).toBe(1024);
    for (const { values } of panel?.lines ?? []) expect(Math.max(...values), 'nobody takes all').toBeLessThan(1024);
  });

  it.skipIf(leftOutWithoutBrowser())('can be drawn; WRITE_PICTURES=1 writes the pictures of the docs', async () => {
    const browser = await launchBrowser();
    try {
      for (const [name, panels] of answers) {
        const page = await browser.newPage({ viewport: { width: 1420, height: 800 } });
        const complaints: string[] = [];
        page.on('pageerror', (error) => complaints.push(error.message));
        const board = DASHBOARDS[name];
        if (!board) throw new Error(`no board ${name}`);
        await page.setContent(boardPage({ ...run, title: board.title ?? '', rows: rowsOf(board, CHOSEN), panels }));
        const drawn = page.locator('.panel');
        expect(await drawn.count()).toBe(panels.length);
        expect(await page.locator('.panel:not(:has(path, .value, rect + text ~ rect, text + text))').count()).toBe(0);
        expect(complaints).toEqual([]);
        if (process.env['WRITE_PICTURES']) {
          writeFileSync(`${PICTURES}board-${name}.png`, toPalette(await page.screenshot({ fullPage: true })));
        }
      }
    } finally {
      await browser.close();
    }
  });
});
