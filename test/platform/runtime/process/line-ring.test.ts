import { describe, expect, it } from 'vitest';
import { LineRing } from '../../../../src/platform/runtime/process/line-ring.ts';

const write = (ring: LineRing, text: string, stream: 'stdout' | 'stderr' = 'stdout') =>
  ring.write(stream, Buffer.from(text));

describe('the line ring', () => {
  it('keeps the newest 256 lines of both streams in the order in which they ended', () => {
    const ring = new LineRing();
    write(ring, 'one\ntw');
    write(ring, 'oops\r\n', 'stderr');
    write(ring, 'o\nthree\nfour\n');
    expect(ring.sinceMark()).toEqual(['one', 'oops', 'two', 'three', 'four']);
    write(ring, 'more\n'.repeat(254));
    expect(ring.sinceMark().slice(0, 3)).toEqual(['three', 'four', 'more']);
    expect(ring.sinceMark()).toHaveLength(256);
  });

  it('gives what came since the mark, and the line that is still being written', () => {
    const ring = new LineRing();
    write(ring, 'before\n');
    ring.mark();
    expect(ring.sinceMark()).toEqual([]);
    write(ring, 'after\nunfin');
    expect(ring.sinceMark()).toEqual(['after', 'unfin']);
  });

  it('puts characters together that arrive in pieces', () => {
    const ring = new LineRing();
    const bytes = Buffer.from('grün €\n');
    for (const byte of bytes) ring.write('stdout', Buffer.from([byte]));
    expect(ring.sinceMark()).toEqual(['grün €']);
  });

  it('cuts long lines and never holds more than its bound, whatever is thrown at it', () => {
    const ring = new LineRing();
    write(ring, `${'x'.repeat(5_000)}\n`);
    expect(ring.sinceMark()).toEqual([`${'x'.repeat(4_096)} … (cut)`]);
    for (let i = 0; i < 200; i++) write(ring, 'y'.repeat(1_000));
    expect(ring.sinceMark().at(-1)).toBe(`${'y'.repeat(4_096)} … (cut)`);
    write(ring, `\n${`${'z'.repeat(4_000)}\n`.repeat(100)}`);
    expect(ring.sinceMark().join('').length).toBeLessThanOrEqual(65_536);
  });
});
