'use strict';
const { parameters } = require('./parameters.cjs');

function fibonacci(n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

/** Calls itself down to one: the larger of these take as long as the time-out lets them. */
exports.handler = (event) => {
  const n = parameters(event).whole('n', { least: 0, most: 78, otherwise: 35 + Math.floor(Math.random() * 5) });
  return { result: fibonacci(n), n };
};
