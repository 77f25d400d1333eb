import { expect, it } from 'vitest';
import { errorText } from '../../src/lib/error-text.ts';

it('is the message of an error, and the text of whatever else was thrown', () => {
  expect(errorText(new TypeError('no such thing'))).toBe('no such thing');
  expect(errorText('broken')).toBe('broken');
  expect(errorText(undefined)).toBe('undefined');
});
