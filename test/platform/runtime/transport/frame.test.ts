import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  COPIED_PAYLOAD_BYTES_MAX,
  encodeCall,
  encodeChildEnd,
  encodeJson,
  FRAME_HEAD_BYTES,
  FrameReader,
  FrameTooLargeError,
  parseChild,
  TO_WORKER,
} from '../../../../src/platform/runtime/transport/frame.ts';

interface Seen {
  kind: number;
  number: number;
  body: string;
}

function frameOf({ kind, number, body }: Seen): Buffer {
  const bytes = Buffer.from(body, 'latin1');
  const frame = Buffer.alloc(FRAME_HEAD_BYTES + bytes.length);
  frame.writeUInt32BE(bytes.length + 5, 0);
  frame[4] = kind;
  frame.writeUInt32BE(number, 5);
  bytes.copy(frame, FRAME_HEAD_BYTES);
  return frame;
}

function reading(bodyBytesMax = 1_000_000) {
  const seen: Seen[] = [];
  const reader = new FrameReader({
    bodyBytesMax,
    onFrame: (kind, number, body) => seen.push({ kind, number, body: body.toString('latin1') }),
  });
  return { reader, seen };
}

describe('frames', () => {
  it('come out as they went in, however the stream was cut', () => {
    const frame = fc.record({
      kind: fc.integer({ min: 1, max: 255 }),
      number: fc.integer({ min: 0, max: 0xffff_ffff }),
      body: fc.string({
        unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
        maxLength: 60,
      }),
    });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 40 })), (frames, cuts) => {
        const stream = Buffer.concat(frames.map(frameOf));
        const { reader, seen } = reading();
        let at = 0;
        for (const cut of cuts) {
          reader.push(stream.subarray(at, at + cut));
          at = Math.min(stream.length, at + cut);
        }
        reader.push(stream.subarray(at));
        expect(seen).toEqual(frames);
      }),
    );
  });

  it('refuse what is too large as soon as its head is there, and tell whose it was', () => {
    const head = frameOf({ kind: 3, number: 7, body: '' });
    head.writeUInt32BE(5 + 101, 0);
    const { reader, seen } = reading(100);
    expect(() => reader.push(head)).toThrow(FrameTooLargeError);
    expect(() => reader.push(head)).toThrow(expect.objectContaining({ number: 7, bytes: 101 }));
    expect(seen).toEqual([]);
  });

  it('refuse a length that is shorter than a head', () => {
    expect(() => reading().reader.push(Buffer.from([0, 0, 0, 4, 1, 0, 0, 0, 1]))).toThrow(FrameTooLargeError);
  });

  it('carry the time left, the request id and the payload of a call', () => {
    const payload = Buffer.from('{"a":"ä"}');
    const frame = encodeCall(9, { requestId: 'r-1', timeoutMs: 2_999.4, payload });
    expect(frame.readUInt32BE(0)).toBe(frame.length - 4);
    expect(frame[4]).toBe(2);
    expect(frame.readUInt32BE(5)).toBe(9);
    expect(frame.readUInt32BE(9)).toBe(3_000);
    expect(frame.subarray(14, 14 + frame[13]!).toString()).toBe('r-1');
    expect(frame.subarray(17)).toEqual(payload);
  });

  it('announce a large payload without copying it', () => {
    const payload = Buffer.alloc(COPIED_PAYLOAD_BYTES_MAX + 1);
    const frame = encodeCall(1, { requestId: 'r', timeoutMs: 1, payload });
    expect(frame.length).toBe(FRAME_HEAD_BYTES + 6);
    expect(frame.readUInt32BE(0)).toBe(frame.length - 4 + payload.length);
  });

  it('refuse a request id that does not fit', () => {
    expect(() => encodeCall(1, { requestId: 'x'.repeat(256), timeoutMs: 1, payload: Buffer.alloc(0) })).toThrow(
      RangeError,
    );
  });

  it('carry settings as JSON', () => {
    const { reader, seen } = reading();
    reader.push(encodeJson(TO_WORKER.load, { a: 1 }));
    expect(seen).toEqual([{ kind: 1, number: 0, body: '{"a":1}' }]);
  });

  it('carry calls of other functions, and refuse one that is cut short', () => {
    const body = Buffer.from('\0\0\0\x07\0\x03one{"a":1}', 'latin1');
    expect(parseChild(body)).toEqual({ child: 7, functionName: 'one', payload: Buffer.from('{"a":1}') });
    for (const bytes of [0, 5, 8]) expect(parseChild(body.subarray(0, bytes))).toBeUndefined();
    const { reader, seen } = reading();
    reader.push(encodeChildEnd({ number: 9, child: 7 }, { isResult: false, body: Buffer.from('{}') }));
    expect(seen).toEqual([{ kind: 4, number: 9, body: '\0\0\0\x07{}' }]);
  });
});
