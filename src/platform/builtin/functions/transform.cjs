'use strict';
const { parameters } = require('./parameters.cjs');

function generateRecords(size) {
  return Array.from({ length: size }, (_, id) => ({
    id,
    name: `record-${id}`,
    value: Math.random(),
    tags: [`group-${id % 10}`, id % 2 === 0 ? 'even' : 'odd'],
  }));
}

/** Writes a data set as JSON, reads it back, and keeps about half of it. */
exports.handler = (event) => {
  const size = parameters(event).whole('size', { least: 0, most: 1_000_000, otherwise: 5_000 });
  const records = JSON.parse(JSON.stringify(generateRecords(size)));
  const kept = records.filter(({ value }) => value > 0.5).map((record) => ({ ...record, isKept: true }));
  return { processed: size, filtered: kept.length };
};
