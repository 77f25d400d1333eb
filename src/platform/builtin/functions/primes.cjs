'use strict';
const { parameters } = require('./parameters.cjs');

/** The sieve of Eratosthenes; the limit counts. */
function countPrimes(limit) {
  const isComposite = new Uint8Array(limit + 1);
  let count = 0;
  for (let number = 2; number <= limit; number++) {
    if (isComposite[number]) continue;
    count += 1;
    for (let multiple = number * number; multiple <= limit; multiple += number) isComposite[multiple] = 1;
  }
  return count;
}

exports.handler = (event) => {
  const limit = parameters(event).whole('limit', { least: 0, most: 50_000_000, otherwise: 200_000 });
  return { limit, primes_found: countPrimes(limit) };
};
