'use strict';
// Runs inside every Node worker, before the function. Nothing is compiled here, and little is loaded: all of it is cold start.
// The channel on descriptor 3 speaks the frames of ../frame.ts; its end means that the platform is gone, and so are we then.
const { Socket } = require('node:net');
const { writeSync } = require('node:fs');

const CHANNEL = 3;
const RECEIPT = 4;
const HEAD_BYTES = 9;
const LOAD = 1;
const CALL = 2;
const CHILD_RESULT = 3;
const CHILD_FAILED = 4;
const PLAN = 5;
const READY = 1;
const LOAD_FAILED = 2;
const RESULT = 3;
const HANDLER_FAILED = 4;
const CHUNK = 5;
const END = 6;
const TOO_LARGE = 7;
const CHILD = 8;
const RECORDED = 9;
const STREAMED = Symbol('streamed');
const FAULT_CHARS_MAX = 16_384;

let settings;
let handler;
let awsLambda;
/** Set where the platform may profile its functions. */
let agent;

const readBuffer = Buffer.allocUnsafeSlow(65_536);
const channel = new Socket({ fd: CHANNEL, onread: { buffer: readBuffer, callback: onBytes } });
channel.on('end', endWithGroup);
channel.on('error', endWithGroup);
channel.on('close', endWithGroup);

/** The whole group at once: whatever the function started must not outlive the platform either. */
function endWithGroup() {
  process.kill(0, 'SIGKILL');
}

/**
 * Lines are written before the answer that they belong to, and before an exit: Node would keep what a pipe has no room for.
 * Done when the function first writes, for the streams cost a millisecond to make.
 */
for (const name of ['stdout', 'stderr']) {
  const { get, ...rest } = Object.getOwnPropertyDescriptor(process, name);
  let stream;
  const getBlocking = () => {
    if (stream === undefined) {
      stream = get.call(process);
      stream._handle?.setBlocking?.(true);
    }
    return stream;
  };
  Object.defineProperty(process, name, { ...rest, get: getBlocking });
}

// ---- reading -------------------------------------------------------------------------------------------------------------

let partial;
let partialBytes = 0;

function onBytes(count, bytes) {
  let at = 0;
  while (at < count) {
    if (partial === undefined && count - at >= 4) {
      const whole = 4 + bytes.readUInt32BE(at);
      if (count - at >= whole) {
        onFrame(bytes, at, at + whole);
        at += whole;
        continue;
      }
      partial = Buffer.allocUnsafeSlow(whole);
      partialBytes = 0;
    } else if (partial === undefined) {
      // Not even the length is whole: it is collected in a buffer that is replaced once it is known.
      partial = Buffer.allocUnsafeSlow(4);
      partialBytes = 0;
    }
    const taken = Math.min(partial.length - partialBytes, count - at);
    bytes.copy(partial, partialBytes, at, at + taken);
    partialBytes += taken;
    at += taken;
    if (partialBytes < partial.length) return true;
    if (partial.length === 4) {
      const grown = Buffer.allocUnsafeSlow(4 + partial.readUInt32BE(0));
      partial.copy(grown);
      partial = grown;
      continue;
    }
    const frame = partial;
    partial = undefined;
    onFrame(frame, 0, frame.length);
  }
  return true;
}

function onFrame(bytes, from, to) {
  const kind = bytes[from + 4];
  if (kind === CALL) {
    const number = bytes.readUInt32BE(from + 5);
    const idAt = from + HEAD_BYTES + 5;
    const payloadAt = idAt + bytes[idAt - 1];
    const timeoutMs = bytes.readUInt32BE(from + HEAD_BYTES);
    run(number, bytes.latin1Slice(idAt, payloadAt), timeoutMs, bytes.utf8Slice(payloadAt, to));
  } else if (kind === LOAD) {
    load(JSON.parse(bytes.utf8Slice(from + HEAD_BYTES, to)));
  } else if (kind === CHILD_RESULT || kind === CHILD_FAILED) {
    const textAt = from + HEAD_BYTES + 4;
    endChild(kind, bytes.readUInt32BE(from + HEAD_BYTES), bytes.utf8Slice(textAt, to));
  } else if (kind === PLAN) {
    const plan = JSON.parse(bytes.utf8Slice(from + HEAD_BYTES, to));
    agent?.rotate(plan ?? undefined).then(sendRecorded);
  }
}

// ---- writing -------------------------------------------------------------------------------------------------------------

function sendText(kind, number, text, bytes) {
  if (agent !== undefined && isLast(kind)) agent.callEnded();
  const frame = Buffer.allocUnsafe(HEAD_BYTES + bytes);
  frame.writeUInt32BE(HEAD_BYTES - 4 + bytes, 0);
  frame[4] = kind;
  frame.writeUInt32BE(number, 5);
  if (bytes > 0) frame.utf8Write(text, HEAD_BYTES);
  send(frame);
}

/** Straight into the socket while nothing waits before it, which costs half of what a stream does; what does not fit goes the long way. */
function send(frame) {
  let sent = 0;
  try {
    if (channel.writableLength === 0) sent = writeSync(CHANNEL, frame);
  } catch {
    // Full, or closed, which the stream tells of.
  }
  if (sent < frame.length) channel.write(frame.subarray(sent));
}

/** Whether the call that it belongs to is over with it. */
function isLast(kind) {
  return kind === RESULT || kind === HANDLER_FAILED || kind === END || kind === TOO_LARGE;
}

/** What would be too much for the platform to read is left out. */
function sendRecorded(recording, done) {
  const text = JSON.stringify(recording ?? null);
  const bytes = Buffer.byteLength(text);
  if (bytes <= settings.resultBytesMax) sendText(RECORDED, 0, text, bytes);
  else sendText(RECORDED, 0, 'null', 4);
  if (done) channel.write('', done);
}

function sendFault(kind, number, fault) {
  const text = JSON.stringify(fault);
  sendText(kind, number, text, Buffer.byteLength(text));
}

/** Resolves when the platform has room for more. */
async function sendChunk(number, chunk) {
  const bytes =
    typeof chunk === 'string'
      ? Buffer.from(chunk)
      : ArrayBuffer.isView(chunk)
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
        : Buffer.from(JSON.stringify(chunk) ?? 'null');
  for (let at = 0; at < bytes.length; at += settings.resultBytesMax) {
    const piece = bytes.subarray(at, at + settings.resultBytesMax);
    const frame = Buffer.allocUnsafe(HEAD_BYTES + piece.length);
    frame.writeUInt32BE(HEAD_BYTES - 4 + piece.length, 0);
    frame[4] = CHUNK;
    frame.writeUInt32BE(number, 5);
    piece.copy(frame, HEAD_BYTES);
    if (!channel.write(frame)) await new Promise((resolve) => channel.once('drain', resolve));
  }
}

/** How we came to call the function is no news to whoever wrote it. */
function ownFramesCut(stack) {
  const lines = stack.split('\n');
  const own = lines.findIndex((line) => line.includes(__filename) && /^\s+at /.test(line));
  return own < 0 ? stack : lines.slice(0, own).join('\n');
}

function describe(error, errorType) {
  try {
    const isError = error !== null && typeof error === 'object' && 'message' in error;
    return {
      errorType: errorType ?? (isError ? String(error.name ?? 'Error') : typeof error),
      message: String(isError ? error.message : error).slice(0, FAULT_CHARS_MAX),
      stack: isError && typeof error.stack === 'string' ? ownFramesCut(error.stack).slice(0, FAULT_CHARS_MAX) : '',
    };
  } catch {
    return { errorType: 'Error', message: 'something was thrown that cannot be told', stack: '' };
  }
}

// ---- loading -------------------------------------------------------------------------------------------------------------

async function load(given) {
  settings = given;
  if (given.isProfiled) watchMyself(given.plan);
  Object.defineProperty(globalThis, 'awslambda', {
    configurable: true,
    get: () => {
      awsLambda ??= makeAwsLambda();
      return awsLambda;
    },
  });
  try {
    let loaded;
    try {
      // Both kinds of module in either kind of file; only one that awaits while it loads has to be imported.
      loaded = require(given.entry);
    } catch (error) {
      if (error?.code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
      loaded = await import(require('node:url').pathToFileURL(given.entry).href);
    }
    handler = findHandler(loaded, given.exportName);
    if (handler === undefined) {
      const offered = Object.keys(Object(loaded)).join(', ') || 'nothing';
      throw Object.assign(
        new Error(`${given.entryName} exports no function ${JSON.stringify(given.exportName)}; it exports ${offered}`),
        { name: 'Runtime.HandlerNotFound' },
      );
    }
    sendText(READY, 0, '', 0);
  } catch (error) {
    sendFault(LOAD_FAILED, 0, describe(error));
  }
}

/** An instance that is asked to end hands in what it has recorded, unless the function has its own mind about ending. */
function watchMyself(plan) {
  agent = require('./profile-agent.cjs');
  agent.begin(plan);
  process.on('SIGTERM', () => {
    const end = () => {
      if (process.listenerCount('SIGTERM') === 1) process.exit(143);
    };
    const recording = agent.end();
    if (recording === undefined) end();
    else sendRecorded(recording, end);
  });
}

function findHandler(loaded, exportName) {
  const reach = (from) => exportName.split('.').reduce((object, name) => object?.[name], from);
  const found = [reach(loaded), reach(loaded?.default), loaded?.default?.default, loaded?.default, loaded];
  return found.find((candidate) => typeof candidate === 'function');
}

// ---- calls of other functions --------------------------------------------------------------------------------------------

const children = new Map();
let newestChild = 0;

function callChild(number, functionName, payload, as) {
  const name = Buffer.from(String(functionName));
  if (name.length > 0xffff) return Promise.reject(new RangeError('the name of a function has at most 65535 bytes'));
  const text = Buffer.from(JSON.stringify(payload) ?? '{}');
  const child = ++newestChild;
  const frame = Buffer.allocUnsafe(HEAD_BYTES + 6 + name.length + text.length);
  frame.writeUInt32BE(frame.length - 4, 0);
  frame[4] = CHILD;
  frame.writeUInt32BE(number, 5);
  frame.writeUInt32BE(child, HEAD_BYTES);
  frame.writeUInt16BE(name.length, HEAD_BYTES + 4);
  name.copy(frame, HEAD_BYTES + 6);
  text.copy(frame, HEAD_BYTES + 6 + name.length);
  return new Promise((resolve, reject) => {
    children.set(child, { resolve, reject, as });
    channel.write(frame);
  });
}

function endChild(kind, child, text) {
  const waiting = children.get(child);
  if (waiting === undefined) return;
  children.delete(child);
  try {
    if (kind === CHILD_RESULT) waiting.resolve(waiting.as === 'text' ? text : JSON.parse(text));
    else {
      const { code, message } = JSON.parse(text);
      waiting.reject(Object.assign(new Error(message), { name: 'Runtime.ChildFailed', code }));
    }
  } catch (error) {
    waiting.reject(error);
  }
}

// ---- calling -------------------------------------------------------------------------------------------------------------

class Context {
  #untilMs;
  #number;
  constructor(number, requestId, timeoutMs) {
    this.#number = number;
    this.#untilMs = performance.now() + timeoutMs;
    this.callbackWaitsForEmptyEventLoop = false;
    this.awsRequestId = requestId;
    this.requestId = requestId;
    this.functionName = settings.functionName;
    this.functionVersion = settings.versionId;
    this.invokedFunctionArn = settings.functionName;
    this.memoryLimitInMB = settings.memoryMb;
    this.logGroupName = settings.functionName;
    this.logStreamName = settings.instanceId;
    this.instanceId = settings.instanceId;
  }
  getRemainingTimeInMillis() {
    return Math.max(0, Math.floor(this.#untilMs - performance.now()));
  }
  /** Calls another function of the same namespace; `as: 'text'` gives its result as the JSON that it is. */
  invoke(functionName, payload = {}, { as = 'value' } = {}) {
    return callChild(this.#number, functionName, payload, as);
  }
}

const receipt = Buffer.allocUnsafeSlow(4);

function run(number, requestId, timeoutMs, text) {
  // Whoever finds us dead can tell from it whether this call had begun. A write of four bytes is a microsecond.
  receipt.writeUInt32BE(number, 0);
  writeSync(RECEIPT, receipt, 0, 4, 0);
  agent?.callBegan();
  let event;
  try {
    event = text === '' ? {} : JSON.parse(text);
  } catch (error) {
    sendFault(HANDLER_FAILED, number, describe(error, 'Runtime.UnmarshalError'));
    return;
  }
  const context = new Context(number, requestId, timeoutMs);
  try {
    if (handler[STREAMED]) {
      runStreamed(number, event, context);
      return;
    }
    const value = handler.length >= 3 ? callBack(event, context) : handler(event, context);
    if (value !== null && typeof value === 'object' && typeof value.then === 'function') {
      value.then(
        (settled) => finish(number, settled),
        (error) => sendFault(HANDLER_FAILED, number, describe(error)),
      );
    } else finish(number, value);
  } catch (error) {
    sendFault(HANDLER_FAILED, number, describe(error));
  }
}

function callBack(event, context) {
  return new Promise((resolve, reject) => {
    const returned = handler(event, context, (error, value) => (error ? reject(error) : resolve(value)));
    if (typeof returned?.then === 'function') returned.then(resolve, reject);
  });
}

function finish(number, value) {
  if (value !== null && typeof value === 'object' && typeof value.next === 'function') {
    streamFrom(number, value);
    return;
  }
  let text;
  try {
    text = JSON.stringify(value) ?? 'null';
  } catch (error) {
    sendFault(HANDLER_FAILED, number, describe(error, 'Runtime.MarshalError'));
    return;
  }
  const bytes = Buffer.byteLength(text);
  if (bytes <= settings.resultBytesMax) sendText(RESULT, number, text, bytes);
  else {
    const size = String(bytes);
    sendText(TOO_LARGE, number, size, size.length);
  }
}

/** A generator, of either kind: what it yields goes out as it is yielded. */
async function streamFrom(number, generator) {
  try {
    for await (const chunk of generator) await sendChunk(number, chunk);
    sendText(END, number, '', 0);
  } catch (error) {
    sendFault(HANDLER_FAILED, number, describe(error));
  }
}

async function runStreamed(number, event, context) {
  const { Writable, finished } = require('node:stream');
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk, _encoding, done) => {
      sendChunk(number, chunk).then(() => done(), done);
    },
  });
  stream.setContentType = () => {};
  const written = new Promise((resolve, reject) => finished(stream, (error) => (error ? reject(error) : resolve())));
  written.catch(() => {});
  try {
    await handler(event, stream, context);
    if (!stream.writableEnded) stream.end();
    await written;
    sendText(END, number, '', 0);
  } catch (error) {
    sendFault(HANDLER_FAILED, number, describe(error));
  }
}

function makeAwsLambda() {
  return {
    streamifyResponse(streamed) {
      const wrapped = (...given) => streamed(...given);
      wrapped[STREAMED] = true;
      return wrapped;
    },
    HttpResponseStream: {
      /** The metadata goes ahead of the body, eight zero bytes between them. */
      from(stream, metadata) {
        // In one piece, so that it can be told from a body that merely looks like it.
        stream.write(Buffer.concat([Buffer.from(JSON.stringify(metadata)), Buffer.alloc(8)]));
        return stream;
      },
    },
  };
}
