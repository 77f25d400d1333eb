import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import service from '../../bin/service-process.json' with { type: 'json' };
import { loadConfig } from '../../src/config/load-config.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const dockerfile = readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8');
const [build = '', image = ''] = dockerfile.split(/^(?=FROM )/m).slice(1);

function copied(stage: string): string[] {
  return [...stage.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, sources = '']) => sources.split(' '));
}

describe('the Dockerfile', () => {
  it('copies what is there, and what .dockerignore lets through', () => {
    const through = readFileSync(path.join(ROOT, '.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const sources = [...copied(build), ...copied(image)];
    expect(sources).toEqual(expect.arrayContaining(['src', 'config', 'docs/openapi', 'bin', '.npmrc']));
    for (const source of sources) {
      expect(existsSync(path.join(ROOT, source)), source).toBe(true);
      expect(through, source).toContain(source);
    }
  });

  it('builds with the compiler, whose binary is an optional dependency, and ships neither', () => {
    const typescript = JSON.parse(readFileSync(path.join(ROOT, 'node_modules/typescript/package.json'), 'utf8'));
    expect(Object.keys(typescript.optionalDependencies).length).toBeGreaterThan(0);
    expect(build).toMatch(/^RUN npm ci --ignore-scripts$/m);
    expect(build).toMatch(/npm run build && npm prune --omit=dev --omit=optional/);
  });

  it('starts what was built, as an unprivileged user, on the default ports', () => {
    const { http } = loadConfig().config;
    const flags = [...service.flags, ...service.flagsOf.autoscale];
    expect(JSON.parse(/^ENTRYPOINT (.*)$/m.exec(image)?.[1] ?? '')).toEqual(['node', ...flags, '/app/dist/main.js']);
    expect(Number(/^USER (\d+):\d+$/m.exec(image)?.[1])).toBeGreaterThanOrEqual(10_000);
    const exposed = /^EXPOSE (.*)$/m.exec(image)?.[1]?.split(' ').map(Number);
    expect(exposed).toEqual([http.admin?.port, http.health?.port, http.metrics?.port]);
    expect(image).toContain(`http://127.0.0.1:${http.health?.port}/livez`);
  });
});
