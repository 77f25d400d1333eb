import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrayOf, objectWith, withMembers } from '../../../../src/platform/dialects/faas-server/json-bytes.ts';

const anyObject = fc.dictionary(
  fc.string({ unit: 'grapheme' }).filter((name) => name !== '__proto__'),
  fc.jsonValue(),
);
const bytesOf = (value: unknown, indent = 0) => Buffer.from(JSON.stringify(value, undefined, indent));
const parse = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString());

describe('answers that are put together from results as they came', () => {
  it('say what they would say had the results been read', () => {
    fc.assert(
      fc.property(anyObject, fc.nat(), fc.constantFrom(0, 2), (object, latency, indent) => {
        const more = { 'more of ours': latency };
        expect(parse(withMembers(bytesOf(object, indent), more))).toEqual(parse(bytesOf({ ...object, ...more })));
      }),
    );
  });

  it('hold any number of results', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), anyObject, (results, head) => {
        const { results: _, ...members } = head;
        const whole = objectWith(members, 'results', arrayOf(results.map((result) => bytesOf(result))));
        expect(parse(whole)).toEqual(parse(bytesOf({ ...members, results })));
      }),
    );
  });

  it('take bytes from the middle of a larger buffer as they are', () => {
    const around = Buffer.from('xx{"a":1}yy');
    expect(withMembers(new Uint8Array(around.buffer, around.byteOffset + 2, 7), { b: 2 }).toString()).toBe(
      '{"a":1,"b":2}',
    );
    expect(withMembers(new Uint8Array(Buffer.from('{\n}')), { b: 2 }).toString()).toBe('{\n"b":2}');
  });
});
