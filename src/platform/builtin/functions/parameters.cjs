'use strict';

/** Parameters of a built-in function. Wrong ones are an error at once that names them. */
function parameters(event) {
  const given = event ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) throw new TypeError('the parameters must be a JSON object');
  const at = (name) => (Object.hasOwn(given, name) ? given[name] : undefined);
  return {
    whole(name, { least, most, otherwise }) {
      const value = at(name) ?? otherwise;
      if (Number.isInteger(value) && value >= least && value <= most) return value;
      throw new TypeError(`${name} must be a whole number from ${least} to ${most}`);
    },
    text(name, { otherwise }) {
      const value = at(name) ?? otherwise;
      if (typeof value === 'string') return value;
      throw new TypeError(`${name} must be a string`);
    },
  };
}

module.exports = { parameters };
