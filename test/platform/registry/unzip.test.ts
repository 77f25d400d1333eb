import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PlatformError } from '../../../src/platform/model/platform-error.ts';
import { unzip } from '../../../src/platform/registry/unzip.ts';
import { makeZip, type ZipPart } from './make-zip.ts';

const LIMITS = { zipMaxBytes: 100_000, filesMaxBytes: 50_000, filesMax: 20 };

async function refusal(zip: Uint8Array, limits = LIMITS): Promise<{ code: string; message: string }> {
  try {
    await unzip(zip, limits);
  } catch (error) {
    if (error instanceof PlatformError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('it was taken');
}

const textOf = (files: ReadonlyMap<string, Uint8Array>) =>
  Object.fromEntries([...files].map(([path, bytes]) => [path, Buffer.from(bytes).toString()]));

describe('a zip', () => {
  it('gives its files, packed or not, folders left out', async () => {
    const zip = makeZip([
      { name: 'index.js', content: 'exports.handler = 1' },
      { name: 'lib/', mode: 0o040755 },
      { name: 'lib/größe.js', content: 'x'.repeat(9_000) },
      { name: 'plain.txt', content: 'plain', method: 0 },
      { name: 'empty', content: '' },
    ]);
    expect(textOf(await unzip(zip, LIMITS))).toEqual({
      'index.js': 'exports.handler = 1',
      'lib/größe.js': 'x'.repeat(9_000),
      'plain.txt': 'plain',
      empty: '',
    });
  });

  it('may have a comment behind it', async () => {
    expect(textOf(await unzip(makeZip([{ name: 'a', content: 'b' }], { comment: 'made by hand' }), LIMITS))).toEqual({
      a: 'b',
    });
  });

  it('is read as somebody else wrote it', async () => {
    const program = `
import sys, zipfile
with zipfile.ZipFile(sys.stdout.buffer, 'w', zipfile.ZIP_DEFLATED) as out:
    out.writestr('app.py', 'def handler(event, context):\\n    return event\\n')
    out.writestr('pkg/déjà.txt', 'é' * 500)`;
    const { stdout, status } = spawnSync('python3', ['-c', program]);
    expect(status).toBe(0);
    expect(textOf(await unzip(stdout, LIMITS))).toEqual({
      'app.py': 'def handler(event, context):\n    return event\n',
      'pkg/déjà.txt': 'é'.repeat(500),
    });
  });

  it.each<[string, ZipPart[], RegExp]>([
    ['a path that climbs out', [{ name: '../evil' }], /leaves its folder/],
    ['a path that climbs out later', [{ name: 'a/../../evil' }], /leaves its folder/],
    ['an absolute path', [{ name: '/etc/passwd' }], /absolute/],
    ['a drive', [{ name: 'C:evil' }], /absolute/],
    ['backslashes', [{ name: '..\\evil' }], /backslash/],
    ['a NUL in a name', [{ name: 'a\0.js' }], /control character/],
    ['a line break in a name', [{ name: 'a\nb' }], /control character/],
    ['a name of no letters', [{ name: '' }], /empty/],
    ['an empty part', [{ name: 'a//b' }], /empty part/],
    ['a dot as a part', [{ name: './a' }], /empty part/],
    ['a very long name', [{ name: 'x'.repeat(300) }], /longer than 255/],
    ['a name that is no UTF-8', [{ name: Buffer.from([0xff, 0xfe]) }], /not UTF-8/],
    ['a symbolic link', [{ name: 'link', content: '/etc/passwd', mode: 0o120777 }], /symbolic link/],
    ['a device', [{ name: 'tty', mode: 0o020666 }], /special file/],
    ['encryption', [{ name: 'secret', flags: 0x0801 }], /encrypted/],
    ['an unknown packing', [{ name: 'a', content: 'x', method: 12 }], /method 12/],
    ['a wrong checksum', [{ name: 'a', content: 'x', crc: 7 }], /damaged/],
    ['a size that is too small', [{ name: 'a', content: 'x'.repeat(5_000), saidSize: 5 }], /damaged/],
    ['a size that is too large', [{ name: 'a', content: 'x', saidSize: 500 }], /damaged/],
    ['one file twice', [{ name: 'a' }, { name: 'a' }], /twice/],
    ['two files that some disks hold for one', [{ name: 'A.js' }, { name: 'a.js' }], /twice/],
    ['a file where a folder is', [{ name: 'a' }, { name: 'a/b' }], /both as a file and as a folder/],
    ['more than four gigabytes in it', [{ name: 'a', isZip64: true }], /ZIP64/],
    ['nothing', [], /no files/],
    ['folders alone', [{ name: 'a/', mode: 0o040755 }], /no files/],
  ])('with %s is refused', async (_, parts, says) => {
    const { code, message } = await refusal(makeZip(parts));
    expect(code).toBe('code-invalid');
    expect(message).toMatch(says);
  });

  it('is refused for its size before it is unpacked', async () => {
    const bomb = makeZip([{ name: 'bomb', content: Buffer.alloc(60_000) }]);
    expect(bomb.length).toBeLessThan(1_000);
    expect((await refusal(bomb)).code).toBe('code-too-large');
    const many = Array.from({ length: 21 }, (_, index) => ({ name: `f${index}` }));
    expect((await refusal(makeZip(many))).code).toBe('code-too-large');
    expect((await refusal(Buffer.alloc(100_001))).code).toBe('code-too-large');
  });

  it('that is cut off or changed anywhere is refused or right, and never anything else', async () => {
    const zip = makeZip([
      { name: 'index.js', content: 'exports.handler = async () => 1' },
      { name: 'data', content: 'abc'.repeat(100), method: 0 },
    ]);
    const whole = textOf(await unzip(zip, LIMITS));
    await fc.assert(
      fc.asyncProperty(fc.nat(zip.length - 1), fc.nat(255), fc.boolean(), async (at, value, isCut) => {
        const spoilt = Buffer.from(isCut ? zip.subarray(0, at) : zip);
        if (!isCut) spoilt[at] = value;
        let files: ReadonlyMap<string, Uint8Array>;
        try {
          files = await unzip(spoilt, LIMITS);
        } catch (error) {
          expect(error).toBeInstanceOf(PlatformError);
          return;
        }
        // Names are not under the checksum; contents are.
        expect(Object.values(textOf(files)).every((text) => Object.values(whole).includes(text))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
