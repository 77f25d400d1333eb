import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { FileFault, LiveFiles, type LiveFilesEvent } from '../../src/config/live-files.ts';
import { HandWoundClock } from '../support/hand-wound-clock.ts';

let directory: string;
let events: LiveFilesEvent[];
let opened: LiveFiles<string>[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'starling-files-'));
  events = [];
  opened = [];
});

afterEach(() => {
  for (const live of opened) live.close();
  rmSync(directory, { recursive: true, force: true });
});

function open(file: string, clock = new HandWoundClock(), parse = strict): LiveFiles<string> {
  const live = new LiveFiles({
    name: 'the.secret',
    files: [file],
    parse,
    clock,
    onEvent: (event) => events.push(event),
    confidential: [file],
  });
  opened.push(live);
  return live;
}

function strict([text = '']: readonly string[]): string {
  if (!text.endsWith('!')) throw new Error('it does not end in !');
  return text;
}

/** Kubernetes: the file is a link through `..data`, and `..data` is replaced by a rename. */
function mountVolume(text: string): { file: string; swap: (next: string) => void } {
  let generation = 0;
  const place = (content: string) => {
    generation += 1;
    const target = join(directory, `..2026_${generation}`);
    mkdirSync(target);
    writeFileSync(join(target, 'password'), content, { mode: 0o440 });
    symlinkSync(`..2026_${generation}`, join(directory, '..data_tmp'));
    renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
  };
  place(text);
  symlinkSync('..data/password', join(directory, 'password'));
  return { file: join(directory, 'password'), swap: place };
}

describe('files that change', () => {
  it('follows the symbolic link that Kubernetes swaps', async () => {
    const { file, swap } = mountVolume('one!');
    const clock = new HandWoundClock();
    const live = open(file, clock);
    const seen: string[] = [];
    live.subscribe((value) => seen.push(value));
    swap('two!');
    await clock.wind(10_000);
    expect(live.current()).toBe('two!');
    expect(seen).toEqual(['two!']);
    expect(events.map((event) => event.kind)).toEqual(['loaded', 'reloaded']);
  });

  it('is seen by watching the directory, long before the poll', async () => {
    const { file, swap } = mountVolume('one!');
    const { promise, resolve } = Promise.withResolvers<string>();
    const live = new LiveFiles({
      name: 'n',
      files: [file],
      parse: strict,
      clock: systemClock,
      pollMs: 3_600_000,
      debounceMs: 5,
    });
    opened.push(live);
    live.subscribe(resolve);
    swap('two!');
    expect(await promise).toBe('two!');
  });

  it('keeps the last good value while a file is half written, and takes the whole one', async () => {
    const file = join(directory, 'password');
    writeFileSync(file, 'one!');
    const clock = new HandWoundClock();
    const live = open(file, clock);
    writeFileSync(file, 'tw');
    await clock.wind(10_000);
    expect(live.current()).toBe('one!');
    writeFileSync(file, 'two!');
    await clock.wind(10_000);
    expect(live.current()).toBe('two!');
    expect(events.filter(({ kind }) => kind !== 'exposed').map(({ kind }) => kind)).toEqual([
      'loaded',
      'failed',
      'reloaded',
    ]);
  });

  it('keeps the last good value while the file is gone, says so once, and finds it again', async () => {
    const file = join(directory, 'password');
    writeFileSync(file, 'one!', { mode: 0o600 });
    const clock = new HandWoundClock();
    const live = open(file, clock);
    unlinkSync(file);
    await clock.wind(60_000);
    expect(live.current()).toBe('one!');
    expect(events.map((event) => event.kind)).toEqual(['loaded', 'failed']);
    writeFileSync(file, 'three!', { mode: 0o600 });
    await clock.wind(10_000);
    expect(live.current()).toBe('three!');
  });

  it('takes a file that was renamed into place', async () => {
    const file = join(directory, 'password');
    writeFileSync(file, 'one!');
    const clock = new HandWoundClock();
    const live = open(file, clock);
    writeFileSync(join(directory, '.password.swp'), 'two!');
    renameSync(join(directory, '.password.swp'), file);
    await clock.wind(10_000);
    expect(live.current()).toBe('two!');
  });

  it('survives the loss of the whole directory', async () => {
    const inner = join(directory, 'inner');
    mkdirSync(inner);
    const file = join(inner, 'password');
    writeFileSync(file, 'one!');
    const clock = new HandWoundClock();
    const live = open(file, clock);
    rmSync(inner, { recursive: true });
    await clock.wind(20_000);
    mkdirSync(inner);
    writeFileSync(file, 'two!');
    await clock.wind(20_000);
    expect(live.current()).toBe('two!');
  });

  it('calls no listener when a file was only touched', async () => {
    const file = join(directory, 'password');
    writeFileSync(file, 'one!', { mode: 0o600 });
    const clock = new HandWoundClock();
    const live = open(file, clock);
    writeFileSync(file, 'one!');
    await clock.wind(20_000);
    expect(live.current()).toBe('one!');
    expect(events.map((event) => event.kind)).toEqual(['loaded']);
  });

  it('warns once when everybody can read a secret', async () => {
    const file = join(directory, 'password');
    writeFileSync(file, 'one!');
    chmodSync(file, 0o644);
    const clock = new HandWoundClock();
    open(file, clock);
    writeFileSync(file, 'two!');
    await clock.wind(20_000);
    expect(events.filter((event) => event.kind === 'exposed')).toEqual([
      { kind: 'exposed', name: 'the.secret', file, mode: '644' },
    ]);
  });

  it('refuses at the start what it cannot use, and says what and where', () => {
    expect(() => open(join(directory, 'absent'))).toThrow(FileFault);
    const file = join(directory, 'bad');
    writeFileSync(file, 'bad');
    expect(() => open(file)).toThrow(`the.secret: ${file} cannot be used: it does not end in !`);
  });

  it('stops watching and polling when closed', async () => {
    const file = join(directory, 'password');
    writeFileSync(file, 'one!');
    const clock = new HandWoundClock();
    const live = open(file, clock);
    live.close();
    writeFileSync(file, 'two!');
    await clock.wind(60_000);
    expect(live.current()).toBe('one!');
    expect(clock.pendingTimers).toBe(0);
  });
});
