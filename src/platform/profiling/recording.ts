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

export interface ThreadRecording {
  readonly cpu?: CpuProfile | undefined;
  readonly heap?: HeapProfile | undefined;
  readonly locks?: readonly LockWait[] | undefined;
}

export interface Recording {
  readonly epoch: number;
  /** The process's main thread, and others that ended or were asked meanwhile. */
  readonly threads: readonly ThreadRecording[];
  /** When calls ran, on the clock of the CPU profile; undefined: not known. */
  readonly calls: readonly (readonly [beganUs: number, endedUs: number])[] | undefined;
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
  return isRecording(value) ? (value as Recording) : undefined;
}

type Check = (value: unknown) => boolean;

const isNumber: Check = (value) => typeof value === 'number';
const isText: Check = (value) => typeof value === 'string';

const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every((item) => check(item));

/** An array that begins with these. */
const tuple =
  (...checks: Check[]): Check =>
  (value) =>
    Array.isArray(value) && checks.every((check, index) => check(value[index]));

function fields(checks: Readonly<Record<string, Check>>): Check {
  const entries = Object.entries(checks);
  return (value) =>
    typeof value === 'object' &&
    value !== null &&
    entries.every(([name, check]) => check((value as Record<string, unknown>)[name]));
}

const isCallFrame = fields({ functionName: isText, url: isText, lineNumber: isNumber });

const isCpuProfile = fields({
  nodes: listOf(fields({ id: isNumber, callFrame: isCallFrame, children: optional(listOf(isNumber)) })),
  startTime: isNumber,
  endTime: isNumber,
  samples: optional(listOf(isNumber)),
  timeDeltas: optional(listOf(isNumber)),
});

const isHeapNodeAlone = fields({ callFrame: isCallFrame, selfSize: isNumber, id: isNumber });

function isHeapNode(value: unknown, depth: number): boolean {
  if (depth > HEAP_DEPTH_MAX || !isHeapNodeAlone(value)) return false;
  const { children } = value as { children: unknown };
  return Array.isArray(children) && children.every((child) => isHeapNode(child, depth + 1));
}

const isThread = fields({
  cpu: optional(isCpuProfile),
  heap: optional(fields({ head: (head) => isHeapNode(head, 0), samples: listOf(fields({ nodeId: isNumber })) })),
  locks: optional(
    listOf(fields({ frames: listOf(tuple(isText, isText, isNumber)), count: isNumber, waitedUs: isNumber })),
  ),
});

const isRecording = fields({
  epoch: isNumber,
  threads: listOf(isThread),
  calls: listOf(tuple(isNumber, isNumber)),
});
