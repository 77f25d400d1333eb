import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { COMMANDS as ALL_COMMANDS } from '../../src/commands/commands.ts';
import { addConfigFlags } from '../../src/commands/config-flags.ts';
import { LEAF_BY_KEY } from '../../src/config/declarations.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { readYamlLayer } from '../../src/config/yaml-layer.ts';
import { startProbeServer } from '../../src/http/probe-server.ts';
import { CATALOGUE } from '../../src/telemetry/catalogue.ts';
import { EXIT } from '../../src/wiring/exit-codes.ts';
import { starling } from '../support/run-starling.ts';

// Each of these is a process of its own, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const ROOT = path.resolve(import.meta.dirname, '../..');
const COMMANDS = ALL_COMMANDS.map(({ name }) => name);

interface Block {
  readonly page: string;
  readonly kind: string;
  readonly text: string;
}

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(path.join(ROOT, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];
const blocks: Block[] = pages.flatMap((page) =>
  [...read(page).matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map(([, kind = '', text = '']) => ({ page, kind, text })),
);

function read(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

/** The commands of ours in a shell block, without comments, quotes resolved. */
function commandsOf({ text }: Block): string[][] {
  return text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => /^(npx )?starling /.test(line))
    .map((line) =>
      [...line.replace(/\s#.*/, '').matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? ''),
    )
    .map((words) => words.slice(words.indexOf('starling') + 1));
}

const shown = blocks
  .filter(({ kind }) => kind.startsWith('sh'))
  .flatMap((block) => commandsOf(block).map((words) => ({ ...block, words, line: words.join(' ') })));

/** What may stand behind a command: options of the configuration, and its own. */
async function flagsOf(name: string): Promise<Set<string>> {
  const { stdout } = await starling([name, '--help']);
  const command = addConfigFlags(new Command(name));
  return new Set([...command.options.flatMap(({ long }) => long ?? []), ...(stdout.match(/--[a-z][a-z-]*/g) ?? [])]);
}

describe('the pages', () => {
  const flags = new Map<string, Set<string>>();
  beforeAll(async () => {
    for (const name of COMMANDS) flags.set(name, await flagsOf(name));
  });

  it('show commands', () => {
    expect(shown.length).toBeGreaterThan(10);
    expect(new Set(shown.map(({ words }) => words[0]))).toEqual(new Set(COMMANDS));
  });

  it.each(shown)('$page: starling $line', ({ words: [name = '', ...rest] }) => {
    const known = flags.get(name);
    expect(known, `there is no command ${name}`).toBeDefined();
    for (const flag of rest.filter((word) => word.startsWith('--'))) {
      expect(known?.has(flag.split('=')[0] ?? ''), flag).toBe(true);
    }
  });

  const yaml = blocks.filter(({ kind, text }) => kind === 'yaml' && /^[a-z][A-Za-z]*:/m.test(text));
  it.each(yaml)('$page: the options of a file can be read: $text', ({ page, text }) => {
    expect(readYamlLayer({ file: page, text }).problems).toEqual([]);
  });

  it('name only options and metrics that exist', () => {
    const groups = new Set([...LEAF_BY_KEY.keys()].map((key) => key.split('.')[0]));
    const metrics = CATALOGUE.map(({ name }) => name as string);
    const mine = ['docs/commands.md', 'docs/health.md', 'docs/production.md', 'docs/troubleshooting.md', 'README.md'];
    for (const page of mine) {
      // Events look like options; they are held to the code below.
      const [text = ''] = read(page).split('## What the log says');
      for (const [, name = ''] of text.matchAll(/`([a-zA-Z_.]+)(?:\{[^`]*\})?`/g)) {
        if (name.includes('.') && groups.has(name.split('.')[0]) && !/\.(md|yaml|db)$/.test(name))
          expect(
            [...LEAF_BY_KEY.keys()].some((key) => key === name || key.startsWith(`${name}.`)),
            `${page}: ${name}`,
          ).toBe(true);
      }
      for (const [name] of read(page).matchAll(/\bstarling_[a-z_]+[a-z]\b/g)) expect(metrics, page).toContain(name);
    }
  });
});

describe('the links of the pages', () => {
  const all = [
    'README.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    ...readdirSync(path.join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.md'))
      .map((file) => `docs/${file.replaceAll(path.sep, '/')}`),
  ];

  it.each(all)('%s: lead to something that is there', (page) => {
    expect(linksOf(page).filter(({ file }) => !existsSync(path.join(ROOT, file)))).toEqual([]);
    const lost = linksOf(page).filter(
      ({ file, anchor }) => anchor !== '' && file.endsWith('.md') && !anchorsOf(file).has(anchor),
    );
    expect(lost).toEqual([]);
  });

  it('lead from the front page to every page', () => {
    const found = new Set(['README.md']);
    // A set tells what is added while it is walked over.
    for (const page of found)
      for (const { file } of linksOf(page)) if (all.includes(file) || file === 'docs/README.md') found.add(file);
    expect(all.filter((page) => !found.has(page))).toEqual([]);
  });

  function linksOf(page: string): { file: string; anchor: string }[] {
    const text = read(page).replaceAll(/^```.*?^```$/gms, '');
    return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => {
        const [file = '', anchor = ''] = target.split('#');
        return { file: file === '' ? page : path.posix.join(path.posix.dirname(page), file), anchor };
      });
  }

  /** As GitHub makes them of headings. */
  function anchorsOf(page: string): Set<string> {
    const headings = [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
    return new Set(
      headings.map((heading) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
          .replaceAll(' ', '-'),
      ),
    );
  }
});

describe('commands that a page says can be run', () => {
  const runnable = shown.filter(({ kind }) => kind === 'sh runnable');
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'starling-docs-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('are there', () => expect(runnable.length).toBeGreaterThan(5));

  // In the order of the page, and in one folder, as a reader would.
  it.each(runnable)('$page: starling $line', async ({ words }) => {
    expect(await starling(words, { cwd: directory })).toMatchObject({ code: 0, signal: null });
  });
});

describe('docs/commands.md', () => {
  it('lists the exit codes, each once and no other', () => {
    const listed = [...read('docs/commands.md').matchAll(/^\| (\d+) \| /gm)].map(([, code]) => Number(code));
    expect(listed).toEqual(Object.values(EXIT));
  });

  it('has a section and a row for every command', () => {
    const text = read('docs/commands.md');
    for (const name of COMMANDS) {
      expect(text).toMatch(new RegExp(`^## ${name}$`, 'm'));
      expect(text).toContain(`[\`${name}\`](#${name})`);
    }
  });
});

describe('docs/health.md', () => {
  let server: Server | undefined;
  afterAll(() => server?.close());

  it('lists the paths that answer', async () => {
    const facts = { isStopping: false, isStarted: true, hungLoops: [], awaited: [], dependencies: [] };
    const started = await startProbeServer({ host: '127.0.0.1', port: 0, facts: () => facts });
    server = started.server;
    const listed = [...read('docs/health.md').matchAll(/^\| (`\/[^|]*) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, each]) => each),
    );
    const answer = await fetch(`http://127.0.0.1:${started.port}/nowhere`);
    const { paths } = (await answer.json()) as { paths: string[] };
    expect([...listed].sort()).toEqual([...paths].sort());
  });
});

describe('docs/troubleshooting.md', () => {
  it('lists every event of the log, and no other', () => {
    const sources = ['loops', 'http', 'commands', 'wiring', 'adapters', 'sharding', 'telemetry'].flatMap((room) => {
      const folder = path.join(ROOT, 'src', room);
      return readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .map((file) => readFileSync(path.join(folder, file), 'utf8'));
    });
    const written = new Set(
      sources.flatMap((text) => [...text.matchAll(/\bevent: '([a-z.-]+)'/g)].map(([, event]) => event)),
    );
    const section = read('docs/troubleshooting.md').split('## What the log says')[1] ?? '';
    const listed = new Set(
      [...section.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, cell = '']) =>
        [...cell.matchAll(/`([a-z.-]+)`/g)].map(([, each]) => each),
      ),
    );
    expect([...listed].sort()).toEqual([...written].sort());
  });
});

describe('config/starling.yaml', () => {
  it('says what the defaults are', () => {
    const file = path.join(ROOT, 'config/starling.yaml');
    const { effective, warnings } = loadConfig({ files: [file] });
    const defaults = new Map(loadConfig().effective.map(({ key, value }) => [key, value]));
    const different = effective.filter(({ key, value }) => JSON.stringify(value) !== JSON.stringify(defaults.get(key)));
    expect(different).toEqual([]);
    expect(warnings).toEqual([]);
  });
});
