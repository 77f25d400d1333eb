import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { POLICY_KINDS } from '../../src/domain/policy.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(path.join(root, 'docs/inside.md'), 'utf8');
const section = /## A new policy\n.*?(?=\n## )/s.exec(page)?.[0] ?? '';
const listed = [...section.matchAll(/`([\w/<>-]+\.(?:ts|md))`/g)].map((match) => match[1] as string);
const kinds = POLICY_KINDS.join('|');
/** A kind of policy as it stands in code: compared, chosen, or written into a document or a type. */
const NAMED = new RegExp(`(?:\\bkind\\b.*|case |defaultPolicy\\(|literal\\(|\\[.*)'(?:${kinds})'`);

const naming = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => ({ file: file.split(path.sep).join('/'), text: readFileSync(path.join(root, 'src', file), 'utf8') }))
  .filter(({ text }) => NAMED.test(text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')));

describe('the list of what a new policy touches', () => {
  it('names every file that names a kind of policy', () => {
    const missing = naming.map(({ file }) => file).filter((file) => !listed.some((name) => file.endsWith(name)));
    expect(missing).toEqual([]);
    expect(naming.length).toBeGreaterThan(POLICY_KINDS.length);
  });

  it('names no file that is not there, and each kind has its file among the aims', () => {
    const files = listed.flatMap((name) =>
      name.includes('<kind>') ? POLICY_KINDS.map((kind) => name.replace('<kind>', kind)) : [name],
    );
    const all = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' });
    const missing = files.filter(
      (name) => !existsSync(path.join(root, name)) && !all.some((file) => file.endsWith(name)),
    );
    expect(missing).toEqual([]);
    expect(files.length).toBeGreaterThan(8);
  });

  it('leaves no choice between kinds to a comparison where every kind must be dealt with', () => {
    const must = ['domain/policy.ts', 'domain/parse-policy.ts', 'config/derive.ts', 'scaling/'];
    const compared = naming.filter(
      ({ file, text }) =>
        must.some((name) => file.startsWith(name)) && new RegExp(`kind [!=]== '(?:${kinds})'`).test(text),
    );
    expect(compared.map(({ file }) => file)).toEqual([]);
  });
});
