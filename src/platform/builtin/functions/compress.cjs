'use strict';
const { randomFillSync } = require('node:crypto');
const { gzipSync } = require('node:zlib');
const { parameters } = require('./parameters.cjs');

/** Letters from A to Z: what is drawn beyond the largest multiple of 26 is drawn again, so that all are as likely. */
function randomLetters(size) {
  const letters = Buffer.alloc(size);
  const drawn = Buffer.alloc(4096);
  let at = 0;
  while (at < size) {
    for (const byte of randomFillSync(drawn)) {
      if (byte < 234 && at < size) letters[at++] = 65 + (byte % 26);
    }
  }
  return letters;
}

/** The ratio says what was saved, in percent. */
exports.handler = (event) => {
  const size = parameters(event).whole('size', { least: 1, most: 50_000_000, otherwise: 50_000 });
  const compressed = gzipSync(randomLetters(size));
  const ratio = Math.round((1 - compressed.length / size) * 10_000) / 100;
  return { input_bytes: size, compressed_bytes: compressed.length, ratio };
};
