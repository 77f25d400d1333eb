import { describe, expect, it } from 'vitest';
import { LiveArea } from '../../../src/commands/dev/live-area.ts';

function rig(options: { isTTY: boolean; columns?: number }) {
  let written = '';
  const write = (text: string) => {
    written += text;
    return true;
  };
  const stream = { columns: 80, ...options, write } as unknown as NodeJS.WriteStream;
  const take = () => {
    const taken = written;
    written = '';
    return taken;
  };
  return { area: new LiveArea(stream), take };
}

const over = (lines: number) => `\u001b[${lines}A\r\u001b[J`;

describe('lines that are written over', () => {
  it('go back as many lines as there are', () => {
    const { area, take } = rig({ isTTY: true });
    area.show(['one', 'two']);
    expect(take()).toBe('one\ntwo\n');
    area.show(['three']);
    expect(take()).toBe(`${over(2)}three\n`);
    area.clear();
    expect(take()).toBe(over(1));
    area.clear();
    expect(take()).toBe('');
  });

  it('stay below what is said for good', () => {
    const { area, take } = rig({ isTTY: true });
    area.show(['live']);
    take();
    area.say('said');
    expect(take()).toBe(`${over(1)}said\nlive\n`);
  });

  it('never wrap, for then the cursor would not find back', () => {
    const { area, take } = rig({ isTTY: true, columns: 10 });
    area.show([`\u001b[1m${'x'.repeat(20)}\u001b[22m`, '\u001b[1mshort\u001b[22m']);
    expect(take()).toBe(`${'x'.repeat(8)}…\n\u001b[1mshort\u001b[22m\n`);
  });

  it('are not written without a terminal', () => {
    const { area, take } = rig({ isTTY: false });
    area.show(['live']);
    area.say('said');
    area.clear();
    expect(take()).toBe('said\n');
  });
});
