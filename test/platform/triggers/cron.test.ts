import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CronError, parseCron } from '../../../src/platform/triggers/cron.ts';

const set = (...values: number[]) => new Set(values);

describe('parseCron', () => {
  it('reads five fields, and six with seconds first', () => {
    expect(parseCron('0 */5 * * *')).toMatchObject({ seconds: [0], minutes: [0], hours: [0, 5, 10, 15, 20] });
    expect(parseCron('*/20 1-3 8-18/5 1,15 JAN-MAR MON')).toEqual({
      seconds: [0, 20, 40],
      minutes: [1, 2, 3],
      hours: [8, 13, 18],
      daysOfMonth: set(1, 15),
      months: set(1, 2, 3),
      daysOfWeek: set(1),
      eitherDay: true,
      isInterval: true,
    });
  });

  it.each([
    ['0 0 * * 7', set(0)],
    ['0 0 * * SUN', set(0)],
    ['0 0 * * mon-sun', set(1, 2, 3, 4, 5, 6, 0)],
    ['0 0 * * 5-7', set(5, 6, 0)],
    ['0 0 * * *', set(0, 1, 2, 3, 4, 5, 6)],
    ['0 0 * * */2', set(0, 2, 4, 6)],
    ['0 0 * * 1/3', set(1, 4, 0)],
    ['0 0 1 * ?', set(0, 1, 2, 3, 4, 5, 6)],
  ])('%s has its days of the week', (text, days) => {
    expect(parseCron(text).daysOfWeek).toEqual(days);
  });

  it('takes either day field only where both name days', () => {
    expect(parseCron('0 0 13 * FRI').eitherDay).toBe(true);
    expect(parseCron('0 0 */2 * FRI').eitherDay).toBe(false);
    expect(parseCron('0 0 13 * *').eitherDay).toBe(false);
    expect(parseCron('0 0 * * FRI').eitherDay).toBe(false);
  });

  it.each([
    ['@hourly', '0 * * * *'],
    ['@daily', '0 0 * * *'],
    ['@midnight', '0 0 * * *'],
    ['@Weekly', '0 0 * * 0'],
    ['@monthly', '0 0 1 * *'],
    ['@yearly', '0 0 1 1 *'],
    ['@annually', '0 0 1 1 *'],
    ['  0  0\t1 1   * ', '0 0 1 1 *'],
  ])('%s is %s', (text, same) => {
    expect(parseCron(text)).toEqual(parseCron(same));
  });

  it.each([
    ['', 'it has 0'],
    ['* * * *', 'it has 4'],
    ['* * * * * * *', 'it has 7'],
    ['@reboot', 'is not one of'],
    ['60 * * * *', 'the minute "60", which is not between 0 and 59'],
    ['* 24 * * *', 'the hour "24"'],
    ['* * 0 * *', 'the day of month "0"'],
    ['* * 32 * *', 'the day of month "32"'],
    ['* * * 13 *', 'the month "13"'],
    ['* * * MAI *', 'the month "MAI"'],
    ['* * * * 8', 'the day of week "8"'],
    ['5-1 * * * *', 'begins after it ends'],
    ['*/0 * * * *', 'has a step'],
    ['*/x * * * *', 'has a step'],
    ['1-2-3 * * * *', 'is no value, range or step'],
    ['1/2/3 * * * *', 'is no value, range or step'],
    ['1,,2 * * * *', 'is no value, range or step'],
    ['-1 * * * *', 'is no value, range or step'],
    ['1.5 * * * *', 'is no value, range or step'],
    ['* * L * *', 'L, W and # are not understood'],
    ['* * * * 1#2', 'L, W and # are not understood'],
    ['0 0 31 2 *', 'never fires: none of its months has a day 31'],
    ['0 0 31 4,6,9,11 *', 'never fires'],
    [`0 0 ${'1,'.repeat(200)}1 * *`, 'must be 256 characters or less'],
  ])('refuses %s in words', (text, words) => {
    expect(() => parseCron(text)).toThrow(CronError);
    expect(() => parseCron(text)).toThrow(words);
  });

  it('knows 29 February, and days that only one of the fields can reach', () => {
    expect(() => parseCron('0 0 29 2 *')).not.toThrow();
    expect(() => parseCron('0 0 31 2 MON')).not.toThrow();
  });

  it('says so for any text that it cannot read, and never anything else', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9*,/@A-Za-z#? -]{0,24}$/), (text) => {
        try {
          const cron = parseCron(text);
          expect(cron.minutes.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(CronError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
