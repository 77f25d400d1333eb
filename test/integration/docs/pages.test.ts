import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../support/member-process.ts';
import { LEFT_OUT } from './left-out.ts';
import { type PageCommand, pageCommands } from './page-commands.ts';
import { leftOutWithoutPorts, Room } from './room.ts';

/** The version that pages speak of; here it is one that there is. */
const EXAMPLE = '5b7c1e9a-0000-4000-8000-000000000001';
const METRICS_STORE = 'starling metrics-store --target platform=http://127.0.0.1:8090/metrics --scrape-interval 1s';

/** What runs until it is stopped, and what it says when it is ready. */
const SERVICES: readonly { readonly kind: string; readonly fits: RegExp; readonly ready: RegExp }[] = [
  // Nobody waits for a minute to see something scale.
  { kind: 'dev', fits: /^npm start -- --demo|--demo-pace quick/, ready: /\(scale-up/ },
  { kind: 'dev', fits: /^starling dev --demo/, ready: /wanted [2-9]/ },
  { kind: 'dev', fits: /^(npm start|(npx )?starling dev)\b/, ready: /Ctrl-C stops everything/ },
  { kind: 'autoscale', fits: /^(npx )?starling autoscale\b/, ready: /"service\.started"/ },
  { kind: 'platform', fits: /^(npx )?starling platform\b/, ready: /"platform\.started"/ },
  { kind: 'metrics store', fits: /^(npx )?starling metrics-store\b/, ready: /"metrics-store\.started"/ },
  { kind: 'stream', fits: /^curl -N /, ready: /^event: hello$/m },
];

/** What asks somebody at a terminal, and what is typed there. */
const TYPED: readonly { readonly fits: RegExp; readonly typed: string }[] = [
  { fits: /^(npx )?starling top(?!.*--once)/, typed: 'q' },
  { fits: /^(npx )?starling (pause|override|resume|unfreeze)(?!.*--yes)/, typed: 'y\n' },
];

interface Scene {
  readonly page: string;
  /** Sections of the page; unset: all that no other scene has. */
  readonly headings?: readonly string[];
  /** What the page takes for granted, */
  readonly before?: readonly string[];
  /** and what one of its commands alone does. */
  readonly ahead?: { readonly of: RegExp; readonly line: string };
}

const SCENES: readonly Scene[] = [
  { page: 'README.md', headings: ['Try it'] },
  { page: 'README.md', headings: ['Going to production'], before: ['starling platform', METRICS_STORE] },
  { page: 'CONTRIBUTING.md' },
  { page: 'docs/commands.md', headings: ['dev'], ahead: { of: /--timeseries /, line: METRICS_STORE } },
  { page: 'docs/commands.md', headings: ['autoscale'], before: ['starling platform', METRICS_STORE] },
  {
    page: 'docs/commands.md',
    headings: ['evaluate', 'explain', 'top', 'functions', 'pause', 'override', 'resume', 'unfreeze'],
    before: ['starling dev --demo --demo-pace quick'],
  },
  { page: 'docs/commands.md' },
  { page: 'docs/console.md', before: ['starling dev'] },
  { page: 'docs/metrics-store.md' },
  { page: 'docs/platform.md', before: [METRICS_STORE] },
  { page: 'docs/profiling.md' },
];

const isLeftOut = await leftOutWithoutPorts();
const commands = pageCommands();
const runnable = commands.filter(({ line }) => !LEFT_OUT.some(({ fits }) => fits.test(line)));

function sceneOf({ page, heading }: PageCommand): Scene | undefined {
  const scenes = SCENES.filter((scene) => scene.page === page);
  return scenes.find(({ headings }) => headings?.includes(heading)) ?? scenes.find(({ headings }) => !headings);
}

describe('the commands of the pages', () => {
  it('are all run here or left out for a reason', () => {
    expect(commands.length).toBeGreaterThan(40);
    expect(runnable.filter((command) => sceneOf(command) === undefined)).toEqual([]);
  });

  it('use every scene and every reason to leave out', () => {
    expect(LEFT_OUT.filter(({ fits }) => !commands.some(({ line }) => fits.test(line)))).toEqual([]);
    expect(SCENES.filter((scene) => !runnable.some((command) => sceneOf(command) === scene))).toEqual([]);
    const headings = SCENES.flatMap(({ page, headings = [] }) => headings.map((heading) => `${page}: ${heading}`));
    const used = new Set(commands.map(({ page, heading }) => `${page}: ${heading}`));
    expect(headings.filter((each) => !used.has(each))).toEqual([]);
  });

  describe.skipIf(isLeftOut)('run as they are printed', () => {
    let room: Room;

    beforeAll(async () => {
      room = await Room.open();
      // What the reader of any page has done before; and the first command that there is.
      const installed = await room.fetchWith('npm ci');
      expect(installed, installed.output).toMatchObject({ code: 0 });
      expect(installed.output).not.toMatch(/npm (warn|error)/i);
      // A file of one's own.
      copyFileSync(path.join(room.checkout, 'config/starling.yaml'), path.join(room.checkout, 'starling.yaml'));
    }, 300_000);

    afterAll(() => room?.close());

    it.each(SCENES.map((scene) => ({ scene, title: [scene.page, ...(scene.headings ?? [])].join(' ') })))(
      '$title',
      {
        timeout: 240_000,
      },
      async ({ scene }) => {
        try {
          for (const line of scene.before ?? []) await take(line);
          let id = '';
          for (const { line } of runnable.filter((command) => sceneOf(command) === scene)) {
            if (id === '' && line.includes(EXAMPLE)) id = await lastMoved();
            if (scene.ahead?.of.test(line)) await take(scene.ahead.line);
            await take(line.replaceAll(EXAMPLE, id));
          }
        } finally {
          await room.clear();
        }
      },
    );

    async function take(line: string): Promise<void> {
      if (line === 'npm ci') return;
      const service = SERVICES.find(({ fits }) => fits.test(line));
      if (service) {
        await room.serve(service.kind, line, service.ready);
        return;
      }
      const typing = TYPED.find(({ fits }) => fits.test(line));
      const { code, output } = await room.run(line, typing ? { typed: typing.typed } : {});
      expect(code, `${line}\n${output}`).toBe(0);
    }

    /** The version that was moved last, once the ledger tells of one: the platform's own rules may have moved it first. */
    async function lastMoved(): Promise<string> {
      let found = '';
      await until('the ledger tells of a version', 90_000, async () => {
        const { output } = await room.run('starling functions --output json');
        const { items } = JSON.parse(output) as { items: { versionId: string; changedAt: string | null }[] };
        items.sort((a, b) => (b.changedAt ?? '').localeCompare(a.changedAt ?? ''));
        found = items[0]?.versionId ?? '';
        return (await room.run(`starling explain ${found} --config starling-data/dev.yaml`)).code === 0;
      });
      return found;
    }
  });
});
