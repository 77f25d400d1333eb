import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { toPalette } from './palette-png.ts';

const WIDTH = 4;
const COLORS = [0xffffff, 0xff0000, 0x00ff00, 0x0000ff, 0x123456];
/** Each line filtered in another way, of which PNG has five. */
const pixels = Array.from({ length: 5 * WIDTH }, (_, place) => COLORS[(place * 7) % 5] ?? 0);

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

function screenshot(channels: 3 | 4): Buffer {
  const bytes = pixels.flatMap((color) => [
    color >> 16,
    (color >> 8) & 255,
    color & 255,
    ...(channels === 4 ? [255] : []),
  ]);
  const stride = WIDTH * channels;
  const at = (x: number, y: number) => (x < 0 || y < 0 ? 0 : (bytes[y * stride + x] ?? 0));
  const rows = [0, 1, 2, 3, 4].map((filter) => {
    const line = Array.from({ length: stride }, (_, x) => {
      const [left, up, corner] = [
        at(x - channels, filter),
        at(x, filter - 1),
        x < channels ? 0 : at(x - channels, filter - 1),
      ];
      const guess = left + up - corner;
      const [a, b, c] = [left, up, corner].map((each) => Math.abs(guess - each)) as [number, number, number];
      const paeth = a <= b && a <= c ? left : b <= c ? up : corner;
      return at(x, filter) - ([0, left, up, (left + up) >> 1, paeth][filter] ?? 0);
    });
    return Buffer.from([filter, ...line]);
  });
  const header = Buffer.from([0, 0, 0, WIDTH, 0, 0, 0, 5, 8, channels === 4 ? 6 : 2, 0, 0, 0]);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  const data = deflateSync(Buffer.concat(rows));
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]);
}

describe('a picture with a palette', () => {
  it.each([3, 4] as const)('shows the same as the screenshot with %i channels', (channels) => {
    const made = toPalette(screenshot(channels));
    const part = (type: string) => {
      const at = made.indexOf(type);
      return made.subarray(at + 4, at + 4 + made.readUInt32BE(at - 4));
    };
    const palette = part('PLTE');
    const places = inflateSync(part('IDAT'));
    const shown = pixels.map((_, place) => {
      const [x, y] = [place % WIDTH, Math.floor(place / WIDTH)];
      return palette.readUIntBE((places[y * (WIDTH + 1) + 1 + x] ?? 0) * 3, 3);
    });
    expect(shown).toEqual(pixels);
    expect(part('IHDR')).toEqual(Buffer.from([0, 0, 0, WIDTH, 0, 0, 0, 5, 8, 3, 0, 0, 0]));
  });

  it('rejects any other picture', () => {
    expect(() => toPalette(Buffer.from('<svg/>'))).toThrow('not a PNG');
  });
});
