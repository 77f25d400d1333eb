import type { CallFrame, CpuProfile, HeapNode, HeapProfile, LockWait, Recording } from './recording.ts';
import type { Frame, StackProfile, StackSample } from './stack-profile.ts';

/** Whose stacks these are: the frame under all of them, and labels. */
export interface Owner {
  readonly root: Frame;
  readonly labels: StackSample['labels'];
}

/** The file whose frames are the profiler's own. What it does between two lines of a function is no news. */
const AGENT = 'profile-agent.cjs';
const NANOSECONDS_PER_US = 1_000;

const IDLE = '(idle)';
const WAITING: Frame = { name: '(waiting)', file: '', line: 0 };
const LOCK: Frame = { name: 'Atomics.wait', file: '', line: 0 };

export interface CpuFold extends Owner {
  readonly profile: CpuProfile;
  /** While a call ran, doing nothing is waiting. */
  readonly calls: Recording['calls'];
  readonly sampleUs: number;
  readonly cpu: StackProfile | undefined;
  readonly wall: StackProfile | undefined;
}

/**
 * One recording gives both: what ran counts for CPU, one period for each sample; what there was at all counts for wall
 * time, as long as it was until the next sample.
 */
export function foldCpu({ profile, calls, sampleUs, cpu, wall, root, labels }: CpuFold): void {
  const tree = new CpuTree(profile);
  const sums = new Map<number, { samples: number; us: number; waits: number; waitedUs: number }>();
  const { samples: nodeIds = [], timeDeltas = [] } = profile;
  let atUs = profile.startTime;
  nodeIds.forEach((nodeId, index) => {
    atUs += timeDeltas[index] ?? 0;
    const lastsUs = Math.max(0, timeDeltas[index + 1] ?? profile.endTime - atUs);
    const sum = sums.get(nodeId) ?? { samples: 0, us: 0, waits: 0, waitedUs: 0 };
    sums.set(nodeId, sum);
    if (calls?.some(([beganUs, endedUs]) => beganUs <= atUs && atUs < endedUs)) {
      sum.waits += 1;
      sum.waitedUs += lastsUs;
    }
    sum.samples += 1;
    sum.us += lastsUs;
  });
  for (const [nodeId, { samples, us, waits, waitedUs }] of sums) {
    const { frames, kind } = tree.stackOf(nodeId);
    if (kind === 'nothing') continue;
    if (kind === 'idle') {
      wall?.add({ frames: [WAITING, root], labels, values: [waits, waitedUs * NANOSECONDS_PER_US] });
      const left = [samples - waits, (us - waitedUs) * NANOSECONDS_PER_US];
      // Between its calls a process waits for more of them; that is not the function's time.
      if (calls === undefined) wall?.add({ frames: [...frames, root], labels, values: left });
      continue;
    }
    const stack = [...frames, root];
    wall?.add({ frames: stack, labels, values: [samples, us * NANOSECONDS_PER_US] });
    if (kind === 'lock') continue;
    cpu?.add({ frames: stack, labels, values: [samples, samples * sampleUs * NANOSECONDS_PER_US] });
  }
}

type StackKind = 'ran' | 'idle' | 'lock' | 'nothing';

class CpuTree {
  readonly #nodes = new Map<number, CpuProfile['nodes'][number]>();
  readonly #parents = new Map<number, number>();

  constructor({ nodes }: CpuProfile) {
    for (const node of nodes) {
      this.#nodes.set(node.id, node);
      for (const child of node.children ?? []) this.#parents.set(child, node.id);
    }
  }

  stackOf(nodeId: number): { frames: Frame[]; kind: StackKind } {
    const leaf = this.#nodes.get(nodeId)?.callFrame;
    if (!leaf || leaf.functionName === '(root)') return { frames: [], kind: 'nothing' };
    const frames: Frame[] = [];
    let kind: StackKind = leaf.functionName === IDLE ? 'idle' : 'ran';
    let isOwn = false;
    // As many steps as there are nodes: parents that go round in a ring were not written by V8.
    let at: number | undefined = nodeId;
    for (let steps = this.#nodes.size; at !== undefined && steps > 0; steps--) {
      const callFrame: CallFrame | undefined = this.#nodes.get(at)?.callFrame;
      at = this.#parents.get(at);
      if (!callFrame || callFrame.functionName === '(root)') break;
      if (callFrame.url.endsWith(AGENT)) {
        isOwn = true;
        if (callFrame.functionName === 'wait') {
          frames.splice(0, frames.length, LOCK);
          kind = 'lock';
        }
        continue;
      }
      frames.push(frameOf(callFrame));
    }
    return isOwn && kind !== 'lock' ? { frames, kind: 'nothing' } : { frames, kind };
  }
}

function frameOf({ functionName, url, lineNumber }: CallFrame): Frame {
  const file = url.startsWith('file://') ? url.slice('file://'.length) : url;
  // V8 counts lines from 0, and has -1 where there is none.
  return { name: functionName || '(anonymous)', file, line: Math.max(0, Math.trunc(lineNumber) + 1) };
}

/** Bytes are what V8 makes of its samples: what was allocated, not what is still held. */
export function foldHeap({ head, samples }: HeapProfile, { root, labels }: Owner, into: StackProfile): void {
  const counts = new Map<number, number>();
  for (const { nodeId } of samples) counts.set(nodeId, (counts.get(nodeId) ?? 0) + 1);
  const walk = (node: HeapNode, above: readonly Frame[]) => {
    if (node.callFrame.url.endsWith(AGENT)) return;
    const frames = node === head ? above : [frameOf(node.callFrame), ...above];
    into.add({ frames, labels, values: [counts.get(node.id) ?? 0, node.selfSize] });
    for (const child of node.children) walk(child, frames);
  };
  walk(head, [root]);
}

export function foldLocks(waits: readonly LockWait[], { root, labels }: Owner, into: StackProfile): void {
  for (const { frames, count, waitedUs } of waits) {
    const stack = frames.map(([name, file, line]) => ({ name, file, line: Math.max(0, Math.trunc(line)) }));
    into.add({ frames: [LOCK, ...stack, root], labels, values: [count, waitedUs * NANOSECONDS_PER_US] });
  }
}
