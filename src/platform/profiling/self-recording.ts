import { Session } from 'node:inspector';
import type { RecordingPlan } from '../runtime/instance-recordings.ts';
import type { CpuProfile, HeapProfile, ThreadRecording } from './recording.ts';

/** Records the platform's own thread, from one turn of `rotate` to the next. */
export class SelfRecording {
  #session: Session | undefined;
  #plan: RecordingPlan | undefined;

  /** What was recorded by the plan before; goes on by this one. Takes some ten milliseconds, for V8 lists all its code. */
  rotate(plan: RecordingPlan | undefined): ThreadRecording {
    const recorded = this.#stop();
    this.#plan = plan;
    if (plan) this.#start(plan);
    else {
      this.#session?.disconnect();
      this.#session = undefined;
    }
    return recorded;
  }

  #start(plan: RecordingPlan): void {
    if (!this.#session) {
      this.#session = new Session();
      this.#session.connect();
    }
    if (isSampled(plan)) {
      this.#ask('Profiler.enable');
      this.#ask('Profiler.setSamplingInterval', { interval: plan.sampleUs });
      this.#ask('Profiler.start');
    }
    if (plan.types.includes('alloc')) {
      this.#ask('HeapProfiler.enable');
      this.#ask('HeapProfiler.startSampling', {
        samplingInterval: plan.allocationStepBytes,
        includeObjectsCollectedByMajorGC: true,
        includeObjectsCollectedByMinorGC: true,
      });
    }
  }

  #stop(): ThreadRecording {
    if (!this.#plan) return {};
    const isAllocation = this.#plan.types.includes('alloc');
    return {
      cpu: isSampled(this.#plan) ? this.#ask<{ profile: CpuProfile }>('Profiler.stop')?.profile : undefined,
      heap: isAllocation ? this.#ask<{ profile: HeapProfile }>('HeapProfiler.stopSampling')?.profile : undefined,
    };
  }

  /** An inspector of the own thread answers before `post` returns. */
  #ask<T>(method: string, params?: Readonly<Record<string, unknown>>): T | undefined {
    let answer: T | undefined;
    this.#session?.post(method, params, (error: Error | null, result?: unknown) => {
      if (!error) answer = result as T;
    });
    return answer;
  }
}

function isSampled({ types }: RecordingPlan): boolean {
  return types.includes('cpu') || types.includes('wall');
}
