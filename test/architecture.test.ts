import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** Who may know whom. Everything may know `lib`, and a room may know itself. */
const ARROWS: Readonly<Record<string, readonly string[] | 'everything'>> = {
  'main.ts': ['commands'],
  commands: 'everything',
  wiring: [
    'http',
    'loops',
    'adapters',
    'platform',
    'metrics-store',
    'ports',
    'contract',
    'scaling',
    'sharding',
    'config',
    'telemetry',
    'domain',
  ],
  http: ['loops', 'ports', 'domain', 'telemetry', 'config'],
  loops: ['ports', 'scaling', 'sharding', 'domain', 'telemetry'],
  adapters: ['ports', 'contract', 'domain', 'telemetry'],
  simulation: ['scaling', 'domain'],
  platform: ['contract', 'domain', 'telemetry'],
  'metrics-store': ['domain'],
  console: [],
  ports: ['domain'],
  contract: ['domain'],
  scaling: ['domain'],
  sharding: ['domain'],
  config: ['domain'],
  telemetry: ['domain'],
  domain: [],
  lib: [],
};

/** The platform's floors: what each folder of `src/platform` may know of the others. */
const PLATFORM_FLOORS: Readonly<Record<string, readonly string[] | 'everything'>> = {
  model: [],
  registry: ['model'],
  runtime: ['model'],
  pool: ['model', 'runtime'],
  router: ['model', 'runtime', 'pool'],
  triggers: ['model', 'registry'],
  metrics: ['model', 'registry'],
  profiling: ['model', 'runtime'],
  builtin: ['model'],
  'control-plane': ['model', 'runtime', 'registry', 'metrics'],
  dialects: ['model', 'runtime', 'registry', 'triggers', 'metrics', 'profiling', 'builtin', 'control-plane'],
  'platform.ts': 'everything',
};

/** Rooms that decide: they get time and chance as arguments and reach for nothing outside. */
const PURE_ROOMS = ['domain', 'scaling', 'sharding', 'simulation'];
const PURE_MAY_IMPORT = ['zod', 'murmurhash'];
const IMPURE =
  /\b(?:Date\.now|new Date\(\)|performance\.now|setTimeout|setInterval|setImmediate|Math\.random|randomUUID|process\.|console\.|fetch\()/;

/** Long because they hold rows, not because they do much. */
const DATA_TABLES = ['telemetry/catalogue.ts'];

const src = fileURLToPath(new URL('../src', import.meta.url));
const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => ({ file, text: readFileSync(path.join(src, file), 'utf8') }));

function importsOf(text: string): string[] {
  const statements = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s+['"]([^'"]+)['"]/g,
  );
  return [...statements].flatMap((match) => match[1] ?? match[2] ?? match[3] ?? []);
}

const roomOf = (file: string) => file.split(path.sep)[0] ?? '';

describe('the rooms of src', () => {
  it('are the ones that the design names', () => {
    expect([...new Set(files.map(({ file }) => roomOf(file)))].filter((room) => !(room in ARROWS))).toEqual([]);
    expect(files.length).toBeGreaterThan(40);
  });

  it('import only along the arrows', () => {
    const bent = files.flatMap(({ file, text }) => {
      const room = roomOf(file);
      const allowed = ARROWS[room];
      if (allowed === 'everything') return [];
      return importsOf(text)
        .filter((target) => target.startsWith('.'))
        .map((target) => roomOf(path.relative(src, path.resolve(src, path.dirname(file), target))))
        .filter((target) => target !== room && target !== 'lib' && !allowed?.includes(target))
        .map((target) => `${file} -> ${target}`);
    });
    expect(bent).toEqual([]);
  });

  it('stand on floors inside the platform: no folder knows one above it', () => {
    const inPlatform = files.filter(({ file }) => roomOf(file) === 'platform');
    const floorOf = (file: string) => file.split(path.sep)[1] ?? '';
    expect(
      [...new Set(inPlatform.map(({ file }) => floorOf(file)))].filter((floor) => !(floor in PLATFORM_FLOORS)),
    ).toEqual([]);
    const bent = inPlatform.flatMap(({ file, text }) => {
      const floor = floorOf(file);
      const allowed = PLATFORM_FLOORS[floor];
      if (allowed === 'everything') return [];
      return importsOf(text)
        .filter((target) => target.startsWith('.'))
        .map((target) => path.relative(src, path.resolve(src, path.dirname(file), target)))
        .filter((target) => roomOf(target) === 'platform' && floorOf(target) !== floor)
        .filter((target) => !allowed?.includes(floorOf(target)))
        .map((target) => `${file} -> ${target}`);
    });
    expect(bent).toEqual([]);
  });

  it('keep adapters apart from each other', () => {
    // What every adapter with a wire stands on, and what every control plane's wishes go through.
    const known: Readonly<Record<string, readonly string[]>> = {
      'control-plane': ['wire', 'wishes'],
      kubernetes: ['wire', 'wishes'],
      prometheus: ['wire'],
      cassandra: ['wire'],
    };
    const crossed = files
      .filter(({ file }) => roomOf(file) === 'adapters')
      .flatMap(({ file, text }) => {
        const own = file.split(path.sep)[1] ?? '';
        return importsOf(text)
          .filter((target) => target.startsWith('.'))
          .map((target) => path.relative(src, path.resolve(src, path.dirname(file), target)))
          .filter((target) => roomOf(target) === 'adapters')
          .filter((target) => ![own, ...(known[own] ?? [])].includes(target.split(path.sep)[1] ?? ''))
          .map((target) => `${file} -> ${target}`);
      });
    expect(crossed).toEqual([]);
  });

  it('are pure where they decide: no clock, no chance, no client, no package but the schema library and the hash', () => {
    const impure = files
      .filter(({ file }) => PURE_ROOMS.includes(roomOf(file)))
      .flatMap(({ file, text }) => {
        const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
        const reach = IMPURE.exec(code)?.[0];
        const packages = importsOf(text).filter(
          (target) => !target.startsWith('.') && !PURE_MAY_IMPORT.includes(target),
        );
        return [...packages.map((name) => `${file} imports ${name}`), ...(reach ? [`${file} uses ${reach}`] : [])];
      });
    expect(impure).toEqual([]);
  });

  it('keep lib free of packages and of the rest', () => {
    const bound = files
      .filter(({ file }) => roomOf(file) === 'lib')
      .flatMap(({ file, text }) =>
        importsOf(text)
          .filter((target) => !target.startsWith('node:') && !target.startsWith('./'))
          .map((target) => `${file} imports ${target}`),
      );
    expect(bound).toEqual([]);
  });

  it('hold no drawer', () => {
    expect(
      files
        .map(({ file }) => file)
        .filter((file) => /(?:^|[/\\])(?:utils?|helpers?|common|misc|types|constants|shared)(?:\.ts|[/\\])/.test(file)),
    ).toEqual([]);
  });

  it('form no circle: of the files and folders in one folder, none comes back to itself through a folder', () => {
    const arrows = new Map<string, Set<string>>();
    for (const { file, text } of files) {
      for (const target of importsOf(text).filter((each) => each.startsWith('.'))) {
        const [from, to] = entriesOf(file, path.relative(src, path.resolve(src, path.dirname(file), target)));
        if (from !== to) arrows.set(from, (arrows.get(from) ?? new Set()).add(to));
      }
    }
    expect([...arrows.keys()].filter((entry) => reachable(entry, arrows).has(entry))).toEqual([]);
  });

  it('have no file over 300 lines but tables of data', () => {
    const long = files.filter(({ file, text }) => text.split('\n').length > 301 && !DATA_TABLES.includes(file));
    expect(long.map(({ file }) => file)).toEqual([]);
  });

  it('have no file that only forwards', () => {
    const forwards = files.filter(({ text }) => {
      const statements = text
        .replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
        .split(/;\s*\n/)
        .map((statement) => statement.trim())
        .filter((statement) => statement !== '');
      return statements.length > 0 && statements.every((each) => /^(?:import|export)\b[^=]*\bfrom\b/.test(each));
    });
    expect(forwards.map(({ file }) => file)).toEqual([]);
  });
});

describe('docs/inside.md', () => {
  it('names no file or folder that is not there', () => {
    const page = readFileSync(path.join(src, '../docs/inside.md'), 'utf8');
    const named = [...page.matchAll(/`([a-z][\w-]*\/[\w./-]*)`/g)].map((match) => match[1] ?? '');
    const gone = named.filter((name) => !['.', '..'].some((base) => existsSync(path.join(src, base, name))));
    expect(gone).toEqual([]);
    expect(named.length).toBeGreaterThan(40);
  });
});

/** What two files are in the deepest folder that holds both: themselves, or the folders below it in which they lie. */
function entriesOf(a: string, b: string): [string, string] {
  const [left, right] = [a.split(path.sep), b.split(path.sep)];
  let depth = 0;
  while (left[depth] === right[depth] && depth < Math.min(left.length, right.length) - 1) depth += 1;
  return [left.slice(0, depth + 1).join('/'), right.slice(0, depth + 1).join('/')];
}

function reachable(entry: string, arrows: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const seen = new Set<string>();
  const ahead = [...(arrows.get(entry) ?? [])];
  for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    ahead.push(...(arrows.get(next) ?? []));
  }
  return seen;
}
