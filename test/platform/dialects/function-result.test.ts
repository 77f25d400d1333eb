import { describe, expect, it } from 'vitest';
import { readResult, shownBody } from '../../../src/platform/dialects/function-result.ts';

const read = (value: unknown) => readResult(Buffer.from(JSON.stringify(value)));
const asBody = (value: unknown) => ({ statusCode: 200, headers: undefined, body: value, isBase64: false });

describe('what a handler returned', () => {
  it('is an answer when it has a status that ends a request', () => {
    expect(read({ statusCode: 201, body: 'made' })).toEqual({ ...asBody('made'), statusCode: 201 });
    expect(read({ statusCode: 404 })).toEqual({ ...asBody(null), statusCode: 404 });
  });

  it.each([
    ['a number', 7],
    ['text', 'Hello!'],
    ['nothing', null],
    ['a list', [1]],
    ['an object without a status', { message: 'hi' }],
    ['a status as text', { statusCode: '200', body: 1 }],
    ['a status that only begins', { statusCode: 100 }],
    ['a status that HTTP has not', { statusCode: 42 }],
    ['half a status', { statusCode: 200.5 }],
  ])('is the body itself when it is %s', (_, value) => {
    expect(read(value)).toEqual(asBody(value));
  });

  it('may be text that is no JSON, or nothing at all', () => {
    expect(readResult(Buffer.from('plain {'))).toEqual(asBody('plain {'));
    expect(readResult(Buffer.alloc(0))).toEqual(asBody(null));
  });

  it('names headers, but none that would break out of the answer or take the connection over', () => {
    const headers = {
      'Content-Type': 'text/html',
      'Set-Cookie': ['a=1', 'b=2'],
      'X-Count': 3,
      'X-Split': 'a\r\nSet-Cookie: c=3',
      'bad name': 'x',
      'Content-Length': '99',
      'Transfer-Encoding': 'chunked',
      'X-Wide': '\u2028',
    };
    expect(read({ statusCode: 200, headers }).headers).toEqual({
      'content-type': 'text/html',
      'set-cookie': ['a=1', 'b=2'],
      'x-count': '3',
    });
    expect(read({ statusCode: 200, headers: 'none' }).headers).toBeUndefined();
    expect(read({ statusCode: 200, headers: JSON.parse('{"__proto__":"x"}') }).headers).toEqual(
      JSON.parse('{"__proto__":"x"}'),
    );
  });
});

describe('the body that is shown', () => {
  it('is what JSON text says, where it is an object or a list', () => {
    expect(shownBody('{"message":"Hello from serverless!"}')).toEqual({ message: 'Hello from serverless!' });
    expect(shownBody(' [1]')).toEqual([1]);
  });

  it('stays as it is otherwise: text that looks like a number is text', () => {
    for (const body of ['Hello!', '42', 'true', '{half', '', null, { a: 1 }]) expect(shownBody(body)).toEqual(body);
  });
});
