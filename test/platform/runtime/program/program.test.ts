import { describe, expect, it } from 'vitest';
import type { Code, RuntimeFamily } from '../../../../src/platform/model/function-record.ts';
import { isNoProgram, readProgram } from '../../../../src/platform/runtime/program/program.ts';

const builtinFile = (name: string) => (name === 'default' || name === 'hash' ? `/builtin/${name}.cjs` : undefined);

function read(code: Code, family: RuntimeFamily, handler: string) {
  return readProgram({ code, family, handler, runtime: family, builtinFile });
}

const source = (text: string): Code => ({ kind: 'source', text });
const files = (...paths: string[]): Code => ({
  kind: 'files',
  files: new Map(paths.map((path) => [path, Buffer.from('x')])),
});

describe('code that is to be run', () => {
  it.each([['code'], [''], ['  \n'], ['$x'], [' handler ']])('P3 %j is no program', (text) => {
    expect(isNoProgram(text)).toBe(true);
    expect(read(source(text), 'python', 'main.handler')).toMatchObject({
      family: 'node',
      entry: '/builtin/default.cjs',
      exportName: 'handler',
    });
  });

  it.each([['1 + 1'], ['code()'], ['x;'], ['"code"'], ['def handler(e): return e']])('P3 %j is one', (text) => {
    expect(isNoProgram(text)).toBe(false);
  });

  it.each<[RuntimeFamily, string, string, string]>([
    ['node', 'index.handler', 'index.js', 'handler'],
    ['node', 'exports.handler', 'exports.js', 'handler'],
    ['node', 'src/app.main', 'src/app.js', 'main'],
    ['node', 'index.api.get', 'index.js', 'api.get'],
    ['node', 'handler', 'index.js', 'handler'],
    ['node', 'handler.mjs', 'handler.mjs', 'handler'],
    ['node', '', 'index.js', 'handler'],
    ['python', 'main.handler', 'main.py', 'handler'],
    ['python', 'pkg.main.run', 'pkg/main.py', 'run'],
    ['python', 'handler', 'main.py', 'handler'],
    ['python', 'handler.py', 'handler.py', 'handler'],
  ])('P5 source for %s with the handler %j goes to %s and offers %s', (family, handler, entry, exportName) => {
    const program = read(source('some + code'), family, handler);
    expect(program).toMatchObject({ family, entry, exportName });
    expect([...program.files.keys()]).toEqual([entry]);
  });

  it('P5 looks for the module among the files, in every ending that Node and Python know', () => {
    expect(read(files('index.mjs'), 'node', 'index.handler').entry).toBe('index.mjs');
    expect(read(files('a/b.ts'), 'node', 'a/b.handler').entry).toBe('a/b.ts');
    expect(read(files('app/__init__.py'), 'python', 'app.handler').entry).toBe('app/__init__.py');
    expect(() => read(files('other.js'), 'node', 'index.handler')).toThrow(/"index\.js", which is not among the files/);
  });

  it('takes an executable by the name of the handler, or as bootstrap', () => {
    expect(read(files('main', 'bootstrap'), 'executable', 'main').entry).toBe('main');
    expect(read(files('bootstrap'), 'executable', 'hello.handler').entry).toBe('bootstrap');
    expect(() => read(files('lib.so'), 'executable', 'main')).toThrow(expect.objectContaining({ code: 'init-failed' }));
  });

  it('takes a script as an executable, and says that it compiles nothing', () => {
    expect(read(source('#!/bin/sh\n'), 'executable', 'x').entry).toBe('bootstrap');
    expect(() => read(source('package main'), 'executable', 'main')).toThrow(
      expect.objectContaining({ code: 'runtime-unavailable', field: 'code' }),
    );
  });

  it('B12 says so when there is no code', () => {
    expect(() => read(files(), 'node', 'index.handler')).toThrow(expect.objectContaining({ code: 'no-code' }));
    expect(() => read({ kind: 'builtin', name: 'nope' }, 'node', '')).toThrow(
      expect.objectContaining({ code: 'no-code' }),
    );
    expect(read({ kind: 'builtin', name: 'hash' }, 'node', '').entry).toBe('/builtin/hash.cjs');
  });

  it('writes nothing outside the folder', () => {
    expect(() => read(files('../evil.js'), 'node', 'index.handler')).toThrow(/leaves its folder/);
    expect(() => read(source('a + b'), 'node', '../../evil.handler')).toThrow(/leaves its folder/);
    expect(() => read(source('a + b'), 'node', '/etc/evil.handler')).toThrow(/is absolute/);
  });
});
