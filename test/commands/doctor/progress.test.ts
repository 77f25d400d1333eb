import { describe, expect, it } from 'vitest';
import { progressOn } from '../../../src/commands/doctor/doctor.ts';

function streamOf(isTTY: boolean) {
  const written: string[] = [];
  return { written, stream: { isTTY, write: (text: string | Uint8Array) => written.push(String(text)) > 0 } };
}

describe('progress', () => {
  it('is one line that is written over, and gone before a finding comes', () => {
    const { stream, written } = streamOf(true);
    const progress = progressOn(stream);
    progress.show('store: connects …');
    progress.show('store: tables …');
    progress.clear();
    expect(written.join('')).toBe('\r\u001b[2Kstore: connects …\r\u001b[2Kstore: tables …\r\u001b[2K');
  });

  it('prints nothing without a terminal', () => {
    const { stream, written } = streamOf(false);
    const progress = progressOn(stream);
    progress.show('store: connects …');
    progress.clear();
    expect(written).toEqual([]);
  });
});
