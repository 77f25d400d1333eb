'use strict';
const { parameters } = require('./parameters.cjs');

function generateItems(size) {
  return Array.from({ length: size }, () => `item-${Math.floor(Math.random() * 0x7fff_ffff)}`);
}

function sortItems(items) {
  return items.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

exports.handler = (event) => {
  const size = parameters(event).whole('size', { least: 1, most: 1_000_000, otherwise: 100_000 });
  const [first] = sortItems(generateItems(size));
  return { sorted: size, first };
};
