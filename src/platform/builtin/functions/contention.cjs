'use strict';
const { Worker, isMainThread, workerData } = require('node:worker_threads');
const { parameters } = require('./parameters.cjs');

const FREE = 0;
const HELD = 1;
const HELD_AND_WAITED_FOR = 2;
const STEPS = 2_000;
const MULTIPLIER = 6_364_136_223_846_793_005n;
const INCREMENT = 1_442_695_040_888_963_407n;

function takeLock(lock) {
  if (Atomics.compareExchange(lock, 0, FREE, HELD) === FREE) return;
  while (Atomics.exchange(lock, 0, HELD_AND_WAITED_FOR) !== FREE) Atomics.wait(lock, 0, HELD_AND_WAITED_FOR);
}

function releaseLock(lock) {
  if (Atomics.exchange(lock, 0, FREE) === HELD_AND_WAITED_FOR) Atomics.notify(lock, 0, 1);
}

/** A linear congruential generator in 64 bits that wrap around. */
function churn(seed) {
  let value = seed;
  for (let step = 0; step < STEPS; step++) value = BigInt.asIntN(64, value * MULTIPLIER + INCREMENT);
  return value;
}

/** All the work is done under the lock, so that the threads do little but wait for each other. */
function runThread({ lock, total, thread, iterations }) {
  for (let iteration = 0; iteration < iterations; iteration++) {
    takeLock(lock);
    try {
      total[0] = BigInt.asIntN(64, total[0] + churn(BigInt(thread * 1_000 + iteration)));
    } finally {
      releaseLock(lock);
    }
  }
}

function startThread(given) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: given });
    worker.once('error', reject);
    worker.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a thread ended with code ${code}`))));
  });
}

if (!isMainThread && workerData?.lock) runThread(workerData);

/** The same sum in whatever order the threads get the lock; a lock that did not hold would lose some of it. */
exports.handler = async (event) => {
  const given = parameters(event);
  const threads = given.whole('threads', { least: 1, most: 32, otherwise: 4 });
  const iterations = given.whole('iterations', { least: 0, most: 1_000_000, otherwise: 200 });
  const lock = new Int32Array(new SharedArrayBuffer(4));
  const total = new BigInt64Array(new SharedArrayBuffer(8));
  await Promise.all(Array.from({ length: threads }, (_, thread) => startThread({ lock, total, thread, iterations })));
  // Larger than a double can tell: written digit by digit.
  return { threads, iterations, result: JSON.rawJSON(total[0].toString()) };
};
