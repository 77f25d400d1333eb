'use strict';
const { setTimeout: pause } = require('node:timers/promises');
const { parameters } = require('./parameters.cjs');

/** Waits without working, as for a disk or a network. A timer may fire a little early; the whole time is waited for. */
exports.handler = async (event) => {
  const otherwise = 100 + Math.floor(Math.random() * 200);
  const ms = parameters(event).whole('ms', { least: 0, most: 3_600_000, otherwise });
  const untilMs = performance.now() + ms;
  for (let leftMs = ms; leftMs > 0; leftMs = untilMs - performance.now()) await pause(Math.ceil(leftMs));
  return { slept_ms: ms };
};
