import { closeSync, openSync, readSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Call } from '../instance-backend.ts';
import type { RecordingPlan } from '../instance-recordings.ts';
import { type CallTransport, type ChildEnd, parseFault, type TransportListener } from './call-transport.ts';
import {
  COPIED_PAYLOAD_BYTES_MAX,
  encodeCall,
  encodeChildEnd,
  encodeJson,
  FRAME_HEAD_BYTES,
  FROM_WORKER,
  FrameReader,
  FrameTooLargeError,
  parseChild,
  TO_WORKER,
} from './frame.ts';

/** What a fault's text may take on top of the largest result. */
const FAULT_BYTES_MAX = 256 * 1024;

/** Calls over one socket pair to a worker that runs one of our bootstraps. */
export class FramedTransport implements CallTransport {
  readonly #channel: Socket;
  readonly #receiptPath: string;
  readonly #listener: TransportListener;
  #isClosed = false;
  /** Callers that do not take what they are sent. */
  #holds = 0;

  constructor(options: { channel: Socket; receiptPath: string; resultBytesMax: number; listener: TransportListener }) {
    const { channel, listener } = options;
    this.#channel = channel;
    this.#receiptPath = options.receiptPath;
    this.#listener = listener;
    const reader = new FrameReader({
      bodyBytesMax: options.resultBytesMax + FAULT_BYTES_MAX,
      onFrame: (kind, number, body) => this.#onFrame(kind, number, body),
    });
    channel.on('data', (bytes: Buffer) => {
      if (this.#isClosed) return;
      try {
        reader.push(bytes);
      } catch (error) {
        if (!(error instanceof FrameTooLargeError)) throw error;
        this.#isClosed = true;
        listener.onAnswer(error.number, { kind: 'result-too-large', bytes: error.bytes + FRAME_HEAD_BYTES });
        listener.onBroken('sent more than the largest result');
      }
    });
    channel.once('end', () => listener.onClosed());
  }

  load(settings: unknown): void {
    if (!this.#isClosed) this.#channel.write(encodeJson(TO_WORKER.load, settings));
  }

  /** The worker sends what it has recorded so far next. Undefined: nothing is to be recorded any more. */
  record(plan: RecordingPlan | undefined): void {
    if (!this.#isClosed && !this.#channel.destroyed) this.#channel.write(encodeJson(TO_WORKER.plan, plan ?? null));
  }

  send(number: number, call: Call): void {
    if (this.#isClosed) return;
    const { payload } = call;
    const frame = encodeCall(number, call);
    if (payload.length <= COPIED_PAYLOAD_BYTES_MAX) {
      this.#channel.write(frame);
      return;
    }
    this.#channel.cork();
    this.#channel.write(frame);
    this.#channel.write(payload);
    this.#channel.uncork();
  }

  /** The worker notes the number of each call in a file before it begins it: no message could be trusted to get through. */
  hasBegun(number: number): boolean {
    const receipt = Buffer.alloc(4);
    let file: number | undefined;
    try {
      file = openSync(this.#receiptPath, 'r');
      if (readSync(file, receipt, 0, 4, 0) < 4) return false;
    } catch {
      return true;
    } finally {
      if (file !== undefined) closeSync(file);
    }
    return receipt.readUInt32BE(0) >= number;
  }

  close(): void {
    this.#isClosed = true;
  }

  #onFrame(kind: number, number: number, body: Buffer): void {
    const listener = this.#listener;
    switch (kind) {
      case FROM_WORKER.result:
        listener.onAnswer(number, { kind: 'result', body });
        return;
      case FROM_WORKER.chunk: {
        const taken = listener.onChunk(number, body);
        if (taken) this.#holdUntil(taken);
        return;
      }
      case FROM_WORKER.end:
        listener.onStreamEnd(number);
        return;
      case FROM_WORKER.handlerFailed:
        listener.onAnswer(number, { kind: 'handler-failed', ...parseFault(body) });
        return;
      case FROM_WORKER.tooLarge:
        listener.onAnswer(number, { kind: 'result-too-large', bytes: Number(body.toString('latin1')) || 0 });
        return;
      case FROM_WORKER.child:
        this.#onChild(number, body);
        return;
      case FROM_WORKER.recorded:
        listener.onRecorded(body);
        return;
      case FROM_WORKER.ready:
        listener.onReady();
        return;
      case FROM_WORKER.loadFailed:
        listener.onLoadFailed(parseFault(body));
        return;
      default:
        listener.onBroken(`sent a frame of the unknown kind ${kind}`);
    }
  }

  #holdUntil(taken: Promise<void>): void {
    this.#holds += 1;
    this.#channel.pause();
    const resume = () => {
      this.#holds -= 1;
      if (this.#holds === 0) this.#channel.resume();
    };
    taken.then(resume, resume);
  }

  #onChild(number: number, body: Buffer): void {
    const parsed = parseChild(body);
    if (!parsed) {
      this.#listener.onBroken('sent a call of another function that is cut short');
      return;
    }
    const { child, ...call } = parsed;
    this.#listener.onChild(number, call, (end) => this.#sendChildEnd(number, child, end));
  }

  #sendChildEnd(number: number, child: number, end: ChildEnd): void {
    if (this.#isClosed || this.#channel.destroyed) return;
    const isResult = end.kind === 'result';
    const body = isResult ? end.body : Buffer.from(JSON.stringify({ code: end.code, message: end.message }));
    this.#channel.write(encodeChildEnd({ number, child }, { isResult, body }));
  }
}
