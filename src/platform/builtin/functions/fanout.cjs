'use strict';
const { parameters } = require('./parameters.cjs');

/** Integers that a double cannot hold are passed on digit by digit. */
function keepDigits(_key, value, { source }) {
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? JSON.rawJSON(source) : value;
}

/** Each child is a call of its own, on an instance of its own, at the same time as the others. */
exports.handler = async (event, context) => {
  const given = parameters(event);
  const count = given.whole('count', { least: 0, most: 256, otherwise: 3 });
  const name = given.text('function', { otherwise: 'hash' });
  const callChild = async () => {
    try {
      return JSON.parse(await context.invoke(name, { rounds: 1_000 }, { as: 'text' }), keepDigits);
    } catch (error) {
      if (error.code !== 'function-unknown') throw error;
      throw new Error(`unknown child function: ${name}`, { cause: error });
    }
  };
  const results = await Promise.all(Array.from({ length: count }, callChild));
  return { fanout: count, results };
};
