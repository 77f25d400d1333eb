/** What instances record of themselves until the next plan. Both bootstraps and the agent read it as JSON. */
export interface RecordingPlan {
  /** Recordings that began under an older plan say so by its number. */
  readonly epoch: number;
  readonly types: readonly ('cpu' | 'wall' | 'alloc' | 'lock')[];
  readonly sampleUs: number;
  readonly allocationStepBytes: number;
  /** Of waiting for locks, about one stack is kept for so much of it. */
  readonly lockStepUs: number;
}

/** What becomes of what instances record. With none of these, they are started without the agent and record nothing. */
export interface InstanceRecordings {
  /** For instances that start now; undefined: they record nothing until a plan comes. */
  readonly plan: RecordingPlan | undefined;
  /** `body` is JSON that the instance wrote, and a function could have. */
  take(recorded: { readonly functionName: string; readonly instanceId: string; readonly body: Uint8Array }): void;
  /** Called once. `sendPlan` sends a plan to every live instance, and returns how many will send what they have so far. */
  connect(sendPlan: (plan: RecordingPlan | undefined) => number): void;
}
