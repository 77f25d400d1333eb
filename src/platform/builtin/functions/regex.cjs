'use strict';
const { parameters } = require('./parameters.cjs');

/** A name can be cut into words in 128 ways, and every one is tried where no @ follows. */
const ADDRESS = /^(?:[a-z]+)+[0-9]+@(?:[a-z]+\.)+[a-z]{2,6}$/;

/** Every third is an address, beginning with the first. */
function candidate(index) {
  switch (index % 3) {
    case 0:
      return `visitors${index}@mail.example.org`;
    case 1:
      return `visitors${index} at mail.example.org`;
    default:
      return `visitors-${index}@mail.example.org`;
  }
}

function countMatches(count) {
  let matches = 0;
  for (let index = 0; index < count; index++) if (ADDRESS.test(candidate(index))) matches += 1;
  return matches;
}

exports.handler = (event) => {
  const count = parameters(event).whole('count', { least: 0, most: 100_000_000, otherwise: 5_000 });
  return { tested: count, matches: countMatches(count) };
};
