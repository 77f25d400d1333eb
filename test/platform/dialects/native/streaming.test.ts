import { request as httpRequest, type IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { PlatformError } from '../../../../src/platform/model/platform-error.ts';
import { aPlatform, type RunningPlatform } from './a-platform.ts';
import { invocationOf } from './scripted-engine.ts';

type Chunks = (emit: (chunk: Uint8Array) => void | Promise<void>, signal: AbortSignal) => Promise<void>;

let running: RunningPlatform;
afterEach(() => running.platform.stop({ graceMs: 0 }));

/** A platform whose one function streams as the test says. */
async function streaming(chunks: Chunks): Promise<void> {
  running = await aPlatform();
  running.engine.onInvoke = async (request) => {
    await chunks((chunk) => request.onChunk?.(chunk), request.signal ?? new AbortController().signal);
    return invocationOf(request, { body: new Uint8Array() });
  };
  await running.ask('POST', '/v1/functions', { name: 'flow', runtime: 'node24', code: 'exports.handler = 1' });
  await running.ask('POST', '/v1/functions/flow/triggers', { kind: 'http', path: '/flow' });
}

function call(path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    httpRequest(`${running.url}${path}`, { method: 'POST' }, resolve).once('error', reject).end('{}');
  });
}

async function read(message: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of message) text += chunk;
  return text;
}

const INVOKE = '/v1/functions/flow/invoke';
const text = (words: string) => Buffer.from(words);

describe('a stream on the native port', () => {
  it('goes out as it comes, with what is known of the call behind it', async () => {
    const next = Promise.withResolvers<void>();
    await streaming(async (emit) => {
      await emit(text('one '));
      await next.promise;
      await emit(text('two'));
    });
    const message = await call(INVOKE);
    const first = await new Promise<string>((resolve) => message.once('data', (chunk) => resolve(String(chunk))));
    expect(first).toBe('one ');
    expect([message.statusCode, message.headers['content-type']]).toEqual([200, 'application/octet-stream']);
    expect(message.headers['content-length']).toBeUndefined();
    next.resolve();
    expect(await read(message)).toBe('two');
    expect(message.trailers).toEqual({
      'x-starling-request-id': 'request-1',
      'x-starling-instance': 'inst-0',
      'x-starling-cold': 'true',
      'x-starling-waited-ms': '12.35',
      'x-starling-ran-ms': '1.50',
    });
  });

  it('holds the handler up while the caller takes nothing', async () => {
    let taken = 0;
    await streaming(async (emit) => {
      for (; taken < 400; taken += 1) await emit(Buffer.alloc(256 * 1024));
    });
    const message = await call(INVOKE);
    message.pause();
    let before = -1;
    // It comes to rest at what the system buffers.
    await expect
      .poll(
        () => {
          const hasRested = taken === before;
          before = taken;
          return hasRested;
        },
        { interval: 200, timeout: 10_000 },
      )
      .toBe(true);
    expect(taken).toBeLessThan(200);
    let bytes = 0;
    for await (const chunk of message) bytes += (chunk as Buffer).length;
    expect(bytes).toBe(400 * 256 * 1024);
  });

  it('ends for the function when the caller goes away, also one that takes nothing', async () => {
    const aborted = Promise.withResolvers<string>();
    await streaming(async (emit, signal) => {
      signal.addEventListener('abort', () => aborted.resolve('aborted'));
      for (;;) {
        signal.throwIfAborted();
        await emit(Buffer.alloc(1024 * 1024));
      }
    });
    const message = await call(INVOKE);
    message.pause();
    message.destroy();
    expect(await aborted.promise).toBe('aborted');
  });

  it('is broken off when the function fails in the middle, and never looks whole', async () => {
    await streaming(async (emit) => {
      await emit(text('half'));
      throw new PlatformError('handler-failed', 'no luck');
    });
    const message = await call(INVOKE);
    await expect(read(message)).rejects.toThrow('aborted');
  });

  it('that fails before its first chunk is answered as any other failure', async () => {
    await streaming(async () => {
      throw new PlatformError('handler-failed', 'no luck');
    });
    const message = await call(INVOKE);
    expect([message.statusCode, JSON.parse(await read(message)).type]).toEqual([500, 'handler-failed']);
  });

  it('of nothing is an empty answer', async () => {
    await streaming(async () => {});
    const message = await call(INVOKE);
    expect([message.statusCode, message.headers['content-length'], await read(message)]).toEqual([200, '0', '']);
  });

  describe('of a route', () => {
    it('goes out as it comes', async () => {
      await streaming(async (emit) => {
        await emit(text('one '));
        await emit(text('two'));
      });
      const message = await call('/routes/flow');
      expect([message.headers['content-type'], await read(message)]).toEqual(['application/octet-stream', 'one two']);
    });

    it('may say its status and headers first', async () => {
      await streaming(async (emit) => {
        const head = {
          statusCode: 202,
          headers: { 'content-type': 'text/event-stream', 'x-bad': 'a\nb', connection: 'close' },
        };
        await emit(Buffer.concat([text(JSON.stringify(head)), Buffer.alloc(8)]));
        await emit(text('data: 1\n\n'));
      });
      const message = await call('/routes/flow');
      expect([message.statusCode, message.headers['content-type']]).toEqual([202, 'text/event-stream']);
      expect([message.headers['x-bad'], message.headers['connection']]).toEqual([undefined, 'keep-alive']);
      expect(await read(message)).toBe('data: 1\n\n');
    });

    it('that is JSON without eight zero bytes is a body', async () => {
      await streaming(async (emit) => {
        await emit(text('{"statusCode":202}'));
      });
      const message = await call('/routes/flow');
      expect([message.statusCode, await read(message)]).toEqual([200, '{"statusCode":202}']);
    });
  });
});
