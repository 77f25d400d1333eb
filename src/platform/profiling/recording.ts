/** Parts of V8's profiles that are read here, as its inspector has them. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[] | undefined;
  }[];
  readonly startTime: number;
  readonly endTime: number;
  readonly samples?: readonly number[] | undefined;
  readonly timeDeltas?: readonly number[] | undefined;
}

export interface HeapNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly id: number;
  readonly children: readonly HeapNode[];
}

export interface HeapProfile {
  readonly head: HeapNode;
  readonly samples: readonly { readonly nodeId: number }[];
}

export interface LockWait {
  /** Name, file and line, the leaf first. */
  readonly frames: readonly (readonly [string, string, number])[];
  readonly count: number;
  readonly waitedUs: number;
}

interface ThreadRecording {
  readonly cpu?: CpuProfile | undefined;
  readonly heap?: HeapProfile | undefined;
  readonly locks?: readonly LockWait[] | undefined;
}

export interface Recording {
  readonly epoch: number;
  /** The process's main thread, and others that ended or were asked meanwhile. */
  readonly threads: readonly ThreadRecording[];
  /** When calls ran, on the clock of the CPU profile. */
  readonly calls: readonly (readonly [beganUs: number, endedUs: number])[];
}

/** Deeper trees than V8 makes are not walked. */
const HEAP_DEPTH_MAX = 256;

/**
 * What a worker says it recorded. A function could write anything there: undefined is what makes no sense. Checked by hand,
 * for there are thousands of nodes in it, and the thread that reads them has calls to pass on.
 */
export function parseRecording(bytes: Uint8Array): Recording | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
  return isRecording(value) ? value : undefined;
}

type Fields = Readonly<Record<string, unknown>>;

function isRecording(value: unknown): value is Recording {
  if (!isObject(value)) return false;
  const { epoch, threads, calls } = value;
  return isNumber(epoch) && isListOf(threads, isThread) && isListOf(calls, isSpan);
}

function isThread(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { cpu, heap, locks } = value;
  return (
    (cpu === undefined || isCpuProfile(cpu)) &&
    (heap === undefined || isHeapProfile(heap)) &&
    (locks === undefined || isListOf(locks, isLockWait))
  );
}

function isCpuProfile(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { nodes, startTime, endTime, samples = [], timeDeltas = [] } = value;
  return (
    isNumber(startTime) &&
    isNumber(endTime) &&
    isListOf(samples, isNumber) &&
    isListOf(timeDeltas, isNumber) &&
    isListOf(
      nodes,
      (node) =>
        isObject(node) &&
        isNumber(node['id']) &&
        isCallFrame(node['callFrame']) &&
        (node['children'] === undefined || isListOf(node['children'], isNumber)),
    )
  );
}

function isHeapProfile(value: unknown): boolean {
  return (
    isObject(value) &&
    isHeapNode(value['head'], 0) &&
    isListOf(value['samples'], (sample) => isObject(sample) && isNumber(sample['nodeId']))
  );
}

function isHeapNode(value: unknown, depth: number): boolean {
  if (!isObject(value) || depth > HEAP_DEPTH_MAX) return false;
  const { callFrame, selfSize, id, children } = value;
  return (
    isCallFrame(callFrame) &&
    isNumber(selfSize) &&
    isNumber(id) &&
    isListOf(children, (child) => isHeapNode(child, depth + 1))
  );
}

function isLockWait(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { frames, count, waitedUs } = value;
  const isFrame = (frame: unknown) =>
    Array.isArray(frame) && typeof frame[0] === 'string' && typeof frame[1] === 'string' && isNumber(frame[2]);
  return isNumber(count) && isNumber(waitedUs) && isListOf(frames, isFrame);
}

function isCallFrame(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { functionName, url, lineNumber } = value;
  return typeof functionName === 'string' && typeof url === 'string' && isNumber(lineNumber);
}

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isSpan = (value: unknown) => Array.isArray(value) && isNumber(value[0]) && isNumber(value[1]);
const isListOf = (value: unknown, isItem: (item: unknown) => boolean) => Array.isArray(value) && value.every(isItem);
