import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DECLARATIONS } from '../../src/config/declarations.ts';
import { jsonSchema } from '../../src/config/json-schema.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { showConfig } from '../../src/config/show-config.ts';
import { configurationPage } from './configuration-page.ts';

const page = fileURLToPath(new URL('../../docs/configuration.md', import.meta.url));
const example = fileURLToPath(new URL('../../config/starling.yaml', import.meta.url));

describe('docs/configuration.md', () => {
  it('is what the declarations say; WRITE_DOCS=1 writes it', () => {
    if (process.env['WRITE_DOCS']) writeFileSync(page, configurationPage());
    expect(readFileSync(page, 'utf8')).toBe(configurationPage());
  });

  it('has a section for every group', () => {
    const text = configurationPage();
    for (const group of Object.keys(DECLARATIONS)) expect(text).toContain(`\n## ${group}\n`);
  });

  it('names only options that exist', () => {
    const known = new Set(Object.keys((jsonSchema()['properties'] ?? {}) as object));
    const named = [...configurationPage().matchAll(/`([a-zA-Z]+)\.[a-zA-Z.*]+`/g)].map((match) => match[1] ?? '');
    expect(named.length).toBeGreaterThan(150);
    for (const group of named) if (group !== 'src') expect(known).toContain(group);
  });
});

describe('config/starling.yaml', () => {
  it('is a configuration', () => {
    expect(loadConfig({ files: [example] }).config.scaling.intervalMs).toBe(15_000);
  });

  it('is a configuration too when every commented option is let in', () => {
    const text = readFileSync(example, 'utf8').replace(/^( *)# ([a-zA-Z]+: .*)$/gm, '$1$2');
    expect(text).not.toBe(readFileSync(example, 'utf8'));
    const validate = new Ajv2020({ strict: false }).compile(jsonSchema());
    expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true);
  });
});

describe('the JSON Schema', () => {
  const validate = new Ajv2020({ strict: false }).compile(jsonSchema());

  it('accepts what the loader prints', () => {
    const yaml = showConfig(loadConfig({ set: ['timeseries.labels=a=b', 'store.url=memory:'] }), 'yaml');
    expect(validate(parse(yaml)), JSON.stringify(validate.errors)).toBe(true);
  });

  it('refuses what the loader refuses', () => {
    const bad = [
      'scaling: {intervall: 15s}',
      'scaling: {interval: 15}',
      'member: {weight: heavy}',
      'store: {cassandra: {password: x}}',
      'policy: {kind: best}',
    ];
    for (const yaml of bad) expect(validate(parse(yaml)), yaml).toBe(false);
  });
});
