'use strict';
const { hash, randomUUID } = require('node:crypto');
const { parameters } = require('./parameters.cjs');

/** SHA-256 of the input, of that digest's bytes, and so on. */
function hashRounds(input, rounds) {
  let bytes = Buffer.from(input, 'utf8');
  for (let round = 0; round < rounds; round++) bytes = hash('sha256', bytes, 'buffer');
  return bytes;
}

exports.handler = (event) => {
  const given = parameters(event);
  const rounds = given.whole('rounds', { least: 1, most: 100_000_000, otherwise: 10_000 });
  const input = given.text('input', { otherwise: randomUUID() });
  return { rounds, hash: hashRounds(input, rounds).toString('hex') };
};
