/**
 * Answers are put together from results as they came: reading them would cost time, and would round integers beyond 2^53.
 */

const COMMA = Buffer.from(',');

/** The object with more members behind its own; anything else goes under `result` first. */
export function withMembers(json: Uint8Array, members: Readonly<Record<string, unknown>>): Buffer {
  const more = JSON.stringify(members).slice(1);
  const isObject = json[0] === 0x7b && json.at(-1) === 0x7d;
  if (!isObject) return Buffer.concat([Buffer.from('{"result":'), json, Buffer.from(`,${more}`)]);
  const separator = isEmptyObject(json) ? '' : ',';
  return Buffer.concat([json.subarray(0, -1), Buffer.from(separator + more)]);
}

/** The members, and behind them one whose value is JSON already. */
export function objectWith(members: Readonly<Record<string, unknown>>, name: string, json: Uint8Array): Buffer {
  const head = JSON.stringify(members).slice(0, -1);
  const separator = head === '{' ? '' : ',';
  return Buffer.concat([Buffer.from(`${head}${separator}${JSON.stringify(name)}:`), json, Buffer.from('}')]);
}

export function arrayOf(items: readonly Uint8Array[]): Buffer {
  return Buffer.concat([
    Buffer.from('['),
    ...items.flatMap((item, index) => (index === 0 ? [item] : [COMMA, item])),
    Buffer.from(']'),
  ]);
}

function isEmptyObject(json: Uint8Array): boolean {
  const first = json.findIndex((byte, index) => index > 0 && byte > 0x20);
  return json[first] === 0x7d;
}
