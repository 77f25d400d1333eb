import { readdirSync, readFileSync } from 'node:fs';
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
    const crossed = files
      .filter(({ file }) => roomOf(file) === 'adapters')
      .flatMap(({ file, text }) =>
        importsOf(text)
          .filter((target) => target.startsWith('.'))
          .map((target) => path.relative(src, path.resolve(src, path.dirname(file), target)))
          .filter((target) => roomOf(target) === 'adapters' && target.split(path.sep)[1] !== file.split(path.sep)[1])
          .map((target) => `${file} -> ${target}`),
      );
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
});
