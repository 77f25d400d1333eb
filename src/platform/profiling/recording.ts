import { z } from 'zod';

const frame = z.object({ functionName: z.string(), url: z.string(), lineNumber: z.number() });

const cpuProfile = z.object({
  nodes: z.array(z.object({ id: z.number(), callFrame: frame, children: z.array(z.number()).optional() })),
  startTime: z.number(),
  endTime: z.number(),
  samples: z.array(z.number()).default([]),
  timeDeltas: z.array(z.number()).default([]),
});

/** Deeper trees than V8 makes are refused before anybody walks them. */
const HEAP_DEPTH_MAX = 256;

export interface HeapNode {
  readonly callFrame: z.output<typeof frame>;
  readonly selfSize: number;
  readonly id: number;
  readonly children: readonly HeapNode[];
}

const heapNode: z.ZodType<HeapNode> = z.lazy(() =>
  z.object({ callFrame: frame, selfSize: z.number(), id: z.number(), children: z.array(heapNode) }),
);

const heapProfile = z.object({ head: heapNode, samples: z.array(z.object({ nodeId: z.number() })) });

const amount = z.number().nonnegative().finite();

const lockWait = z.object({
  /** Name, file and line, the leaf first. */
  frames: z.array(z.tuple([z.string(), z.string(), z.number()])),
  count: amount,
  waitedUs: amount,
});

const threadRecording = z.object({
  cpu: cpuProfile.optional(),
  heap: heapProfile.optional(),
  locks: z.array(lockWait).optional(),
});

const recording = z.object({
  epoch: z.number(),
  /** The process's main thread, and others that ended or were asked meanwhile. */
  threads: z.array(threadRecording),
  /** When calls ran, on the clock of the CPU profile. */
  calls: z.array(z.tuple([z.number(), z.number()])),
});

export type CpuProfile = z.output<typeof cpuProfile>;
export type HeapProfile = z.output<typeof heapProfile>;
export type LockWait = z.output<typeof lockWait>;
export type Recording = z.output<typeof recording>;

/** What a worker says it recorded. A function could write anything there: undefined is what makes no sense. */
export function parseRecording(bytes: Uint8Array): Recording | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  if (nestingOf(text) > HEAP_DEPTH_MAX * 2) return undefined;
  try {
    return recording.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function nestingOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x7b || code === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return deepest;
}
