'use strict';
const { parameters } = require('./parameters.cjs');

function randomMatrix(dim) {
  return Array.from({ length: dim }, () => Array.from({ length: dim }, Math.random));
}

function multiply(a, b, dim) {
  const product = Array.from({ length: dim }, () => new Array(dim).fill(0));
  for (let row = 0; row < dim; row++) {
    for (let column = 0; column < dim; column++) {
      let sum = 0;
      for (let k = 0; k < dim; k++) sum += a[row][k] * b[k][column];
      product[row][column] = sum;
    }
  }
  return product;
}

/** The checksum is the mean of the product of two matrices of numbers from 0 to 1: about a quarter of their size. */
exports.handler = (event) => {
  const dim = parameters(event).whole('dim', { least: 1, most: 2_000, otherwise: 120 });
  const product = multiply(randomMatrix(dim), randomMatrix(dim), dim);
  const sum = product.reduce((total, row) => row.reduce((rowTotal, value) => rowTotal + value, total), 0);
  return { dim, checksum: sum / dim ** 2 };
};
