import type { Call } from '../instance-backend.ts';

/**
 * What passes between us and a worker: `u32 length of the rest, u8 kind, u32 call number, body`, big-endian. The bootstraps
 * in `bootstrap/` speak the same; a change here is a change there.
 */
export const FRAME_HEAD_BYTES = 9;

/**
 * To the worker. `load` has settings as JSON; `call` has the time left, the request id and the payload; the ends of a child
 * call have its number and then its result, or its fault as JSON; `plan` has what to record from now on as JSON.
 */
export const TO_WORKER = { load: 1, call: 2, childResult: 3, childFailed: 4, plan: 5 } as const;

/**
 * From the worker. `chunk` and `end` are a streaming handler's; `too-large` has the size as text instead of the result;
 * `child` has the number that the worker gave a call of another function, the length of its name in two bytes, the name, and
 * the payload; `recorded` has what was recorded as JSON.
 */
export const FROM_WORKER = {
  ready: 1,
  loadFailed: 2,
  result: 3,
  handlerFailed: 4,
  chunk: 5,
  end: 6,
  tooLarge: 7,
  child: 8,
  recorded: 9,
} as const;

/** Payloads up to here are copied behind their head and go out in one piece; larger ones are handed over as they are. */
export const COPIED_PAYLOAD_BYTES_MAX = 64 * 1024;

export function encodeJson(kind: number, value: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(value));
  const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + body.length);
  writeHead(frame, kind, 0, body.length);
  body.copy(frame, FRAME_HEAD_BYTES);
  return frame;
}

/** The whole frame, or its head alone when the payload is too large to be worth a copy. */
export function encodeCall(number: number, call: Pick<Call, 'requestId' | 'timeoutMs' | 'payload'>): Buffer {
  const { requestId, timeoutMs, payload } = call;
  const idBytes = Buffer.byteLength(requestId);
  if (idBytes > 255) throw new RangeError(`a request id has at most 255 bytes, and this one has ${idBytes}`);
  const headBytes = FRAME_HEAD_BYTES + 5 + idBytes;
  const copied = payload.length <= COPIED_PAYLOAD_BYTES_MAX ? payload.length : 0;
  const frame = Buffer.allocUnsafe(headBytes + copied);
  writeHead(frame, TO_WORKER.call, number, 5 + idBytes + payload.length);
  frame.writeUInt32BE(Math.min(Math.max(0, Math.ceil(timeoutMs)), 0xffff_ffff), FRAME_HEAD_BYTES);
  frame[FRAME_HEAD_BYTES + 4] = idBytes;
  frame.write(requestId, FRAME_HEAD_BYTES + 5);
  if (copied > 0) frame.set(payload, headBytes);
  return frame;
}

/** How a child call ended, for the call that made it. */
export function encodeChildEnd(
  { number, child }: { number: number; child: number },
  { isResult, body }: { isResult: boolean; body: Uint8Array },
): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + 4 + body.length);
  writeHead(frame, isResult ? TO_WORKER.childResult : TO_WORKER.childFailed, number, 4 + body.length);
  frame.writeUInt32BE(child, FRAME_HEAD_BYTES);
  frame.set(body, FRAME_HEAD_BYTES + 4);
  return frame;
}

/** Undefined when it is too short for what it says. */
export function parseChild(body: Buffer): { child: number; functionName: string; payload: Buffer } | undefined {
  const nameEnd = body.length < 6 ? Number.POSITIVE_INFINITY : 6 + body.readUInt16BE(4);
  if (nameEnd > body.length) return undefined;
  return {
    child: body.readUInt32BE(0),
    functionName: body.toString('utf8', 6, nameEnd),
    payload: body.subarray(nameEnd),
  };
}

function writeHead(frame: Buffer, kind: number, number: number, bodyBytes: number): void {
  frame.writeUInt32BE(bodyBytes + FRAME_HEAD_BYTES - 4, 0);
  frame[4] = kind;
  frame.writeUInt32BE(number, 5);
}

/** A frame that is larger than anything that may come. Nothing of it was kept. */
export class FrameTooLargeError extends Error {
  readonly number: number;
  readonly bytes: number;
  constructor(number: number, bytes: number) {
    super(`a frame of ${bytes} bytes came`);
    this.name = 'FrameTooLargeError';
    this.number = number;
    this.bytes = bytes;
  }
}

/** Cuts what comes in into frames. Bodies are views of what was read and are not written to again. */
export class FrameReader {
  readonly #bodyBytesMax: number;
  readonly #onFrame: (kind: number, number: number, body: Buffer) => void;
  readonly #head = Buffer.alloc(FRAME_HEAD_BYTES);
  #headBytes = 0;
  #body: Buffer | undefined;
  #bodyBytes = 0;

  constructor(options: { bodyBytesMax: number; onFrame: (kind: number, number: number, body: Buffer) => void }) {
    this.#bodyBytesMax = options.bodyBytesMax;
    this.#onFrame = options.onFrame;
  }

  /** Throws FrameTooLargeError; the stream cannot be read any further then. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#body) at = this.#fillBody(this.#body, chunk, at);
      else if (this.#headBytes === 0 && chunk.length - at >= FRAME_HEAD_BYTES) at = this.#readHead(chunk, at);
      else at = this.#fillHead(chunk, at);
    }
  }

  #fillHead(chunk: Buffer, at: number): number {
    const taken = Math.min(FRAME_HEAD_BYTES - this.#headBytes, chunk.length - at);
    chunk.copy(this.#head, this.#headBytes, at, at + taken);
    this.#headBytes += taken;
    if (this.#headBytes < FRAME_HEAD_BYTES) return at + taken;
    this.#headBytes = 0;
    const bodyBytes = this.#bodyLength(this.#head, 0);
    if (bodyBytes === 0) this.#onFrame(this.#head[4] ?? 0, this.#head.readUInt32BE(5), Buffer.alloc(0));
    else this.#await(this.#head, 0, bodyBytes);
    return at + taken;
  }

  #readHead(chunk: Buffer, at: number): number {
    const bodyBytes = this.#bodyLength(chunk, at);
    const end = at + FRAME_HEAD_BYTES + bodyBytes;
    if (end <= chunk.length) {
      this.#onFrame(chunk[at + 4] ?? 0, chunk.readUInt32BE(at + 5), chunk.subarray(at + FRAME_HEAD_BYTES, end));
      return end;
    }
    this.#await(chunk, at, bodyBytes);
    return at + FRAME_HEAD_BYTES;
  }

  #bodyLength(bytes: Buffer, at: number): number {
    const bodyBytes = bytes.readUInt32BE(at) - (FRAME_HEAD_BYTES - 4);
    if (bodyBytes < 0 || bodyBytes > this.#bodyBytesMax) {
      throw new FrameTooLargeError(bytes.readUInt32BE(at + 5), bodyBytes);
    }
    return bodyBytes;
  }

  #await(bytes: Buffer, at: number, bodyBytes: number): void {
    if (bytes !== this.#head) bytes.copy(this.#head, 0, at, at + FRAME_HEAD_BYTES);
    this.#body = Buffer.allocUnsafeSlow(bodyBytes);
    this.#bodyBytes = 0;
  }

  #fillBody(body: Buffer, chunk: Buffer, at: number): number {
    const taken = Math.min(body.length - this.#bodyBytes, chunk.length - at);
    chunk.copy(body, this.#bodyBytes, at, at + taken);
    this.#bodyBytes += taken;
    if (this.#bodyBytes === body.length) {
      this.#body = undefined;
      this.#onFrame(this.#head[4] ?? 0, this.#head.readUInt32BE(5), body);
    }
    return at + taken;
  }
}
