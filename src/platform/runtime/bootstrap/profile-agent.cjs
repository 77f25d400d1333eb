'use strict';

/**
 * Records what a function's process does. Loaded into every thread of it before anything else, and does nothing until there
 * is a plan. Every thread records itself; the others hand theirs to the main thread, which sends all to the platform.
 */
const { isMainThread, BroadcastChannel, getEnvironmentData, setEnvironmentData } = require('node:worker_threads');

const PLAN = 'starling.profile.plan';
const CHANNEL = 'starling.profile';
/** How long the main thread waits for threads that have something to hand in and are not busy. */
const THREADS_ANSWER_MS = 25;
const STACK_DEPTH_MAX = 64;
const LOCK_STACKS_MAX = 1_000;
const CALLS_MAX = 10_000;

const nowUs = () => Number(process.hrtime.bigint() / 1_000n);

let plan;
let session;
let locks = new Map();
let blockedUs = 0;
let blockedCount = 0;

// ---- recording -----------------------------------------------------------------------------------------------------------

/** An inspector of the own thread answers before `post` returns. */
function ask(method, params) {
  let answer;
  session.post(method, params, (error, result) => {
    answer = error ? undefined : result;
  });
  return answer;
}

const isSampled = (given) => given.types.includes('cpu') || given.types.includes('wall');

function start(given) {
  plan = given;
  if (session === undefined) {
    const { Session } = require('node:inspector');
    session = new Session();
    session.connect();
  }
  if (isSampled(plan)) {
    ask('Profiler.enable');
    ask('Profiler.setSamplingInterval', { interval: plan.sampleUs });
    ask('Profiler.start');
  }
  if (plan.types.includes('alloc')) {
    ask('HeapProfiler.enable');
    ask('HeapProfiler.startSampling', {
      samplingInterval: plan.allocationStepBytes,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
  }
}

function stop() {
  const recorded = { locks: [...locks.values()] };
  locks = new Map();
  if (isSampled(plan)) recorded.cpu = ask('Profiler.stop')?.profile;
  if (plan.types.includes('alloc')) recorded.heap = ask('HeapProfiler.stopSampling')?.profile;
  plan = undefined;
  return recorded;
}

// ---- waiting for locks ---------------------------------------------------------------------------------------------------

const systemWait = Atomics.wait;

/** Of many short waits, the one that fills up a step stands for all that led up to it. */
function wait(typedArray, index, value, timeout) {
  if (plan === undefined || !plan.types.includes('lock')) return systemWait(typedArray, index, value, timeout);
  const beganUs = nowUs();
  const outcome = systemWait(typedArray, index, value, timeout);
  if (outcome === 'not-equal') return outcome;
  blockedUs += nowUs() - beganUs;
  blockedCount += 1;
  if (blockedUs >= plan.lockStepUs) {
    addLockWait(stackAbove(wait));
    blockedUs = 0;
    blockedCount = 0;
  }
  return outcome;
}

Object.defineProperty(Atomics, 'wait', { value: wait, writable: true, configurable: true });

function addLockWait(frames) {
  const key = JSON.stringify(frames);
  let kept = locks.get(key);
  if (kept === undefined) {
    if (locks.size >= LOCK_STACKS_MAX) return;
    kept = { frames, count: 0, waitedUs: 0 };
    locks.set(key, kept);
  }
  kept.count += blockedCount;
  kept.waitedUs += blockedUs;
}

function stackAbove(callee) {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = STACK_DEPTH_MAX;
    Error.prepareStackTrace = (_error, sites) => sites;
    const holder = {};
    Error.captureStackTrace(holder, callee);
    return holder.stack.map((site) => [
      site.getFunctionName() ?? '(anonymous)',
      site.getFileName() ?? '',
      site.getLineNumber() ?? 0,
    ]);
  } catch {
    return [];
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

// ---- threads -------------------------------------------------------------------------------------------------------------

let channel;

function openChannel(onMessage) {
  channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }) => onMessage(data);
  channel.unref();
}

function recordThread() {
  const given = getEnvironmentData(PLAN);
  if (given) start(given);
  const handIn = (isLast) => {
    if (plan === undefined) return;
    const { epoch } = plan;
    channel.postMessage({ kind: isLast ? 'last' : 'part', epoch, recorded: stop() });
  };
  openChannel((message) => {
    if (message.kind !== 'plan') return;
    handIn(false);
    if (message.plan) start(message.plan);
  });
  channel.postMessage({ kind: 'began' });
  process.on('exit', () => {
    handIn(true);
    channel.postMessage({ kind: 'ended' });
  });
}

// ---- the main thread -----------------------------------------------------------------------------------------------------

let threads = 0;
let handedIn = [];
let calls = [];
let running = 0;
let callBeganUs = 0;

function hearThreads(message) {
  if (message.kind === 'began') threads += 1;
  else if (message.kind === 'ended') threads -= 1;
  else if (message.recorded) handedIn.push(message);
}

function take() {
  if (plan === undefined) return undefined;
  const { epoch } = plan;
  const atUs = nowUs();
  if (running > 0) addCall(atUs);
  callBeganUs = atUs;
  const recording = { epoch, threads: [stop()], calls };
  calls = [];
  return recording;
}

function addCall(endedUs) {
  if (calls.length < CALLS_MAX) calls.push([callBeganUs, endedUs]);
}

function withThreads(recording) {
  const parts = handedIn.filter(({ epoch }) => epoch === recording.epoch);
  handedIn = handedIn.filter(({ epoch }) => epoch > recording.epoch);
  recording.threads.push(...parts.map(({ recorded }) => recorded));
  return recording;
}

module.exports = {
  /** From now on, by this plan. */
  begin(given) {
    if (channel === undefined) openChannel(hearThreads);
    setEnvironmentData(PLAN, given);
    if (given) start(given);
  },
  /** What was recorded so far; goes on by the next plan, or not at all. */
  async rotate(next) {
    const recording = take();
    this.begin(next);
    channel.postMessage({ kind: 'plan', plan: next });
    if (threads > 0) await new Promise((resolve) => setTimeout(resolve, THREADS_ANSWER_MS));
    return recording && withThreads(recording);
  },
  /** At once, before the process ends. */
  end() {
    const recording = take();
    return recording && withThreads(recording);
  },
  callBegan() {
    if (running === 0) callBeganUs = nowUs();
    running += 1;
  },
  callEnded() {
    running = Math.max(0, running - 1);
    if (running === 0 && plan !== undefined) addCall(nowUs());
  },
};

if (!isMainThread) recordThread();
