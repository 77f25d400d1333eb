/** A cron expression, read. Fields hold every number that matches. */
export interface Cron {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: ReadonlySet<number>;
  /** 1 is January. */
  readonly months: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly daysOfWeek: ReadonlySet<number>;
  /** Both day fields name days: either is enough. Otherwise the one that does, or begins with a star, narrows the other. */
  readonly eitherDay: boolean;
  /** Fires by the time that passes, such as every five minutes, and not at times of the day: it decides what a change of clocks means. */
  readonly isInterval: boolean;
}

/** Says what is wrong in words that follow the expression, and in which field. */
export class CronError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CronError';
  }
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const SECOND: Field = { name: 'second', min: 0, max: 59 };
const MINUTE: Field = { name: 'minute', min: 0, max: 59 };
const HOUR: Field = { name: 'hour', min: 0, max: 23 };
const DAY_OF_MONTH: Field = { name: 'day of month', min: 1, max: 31 };
const MONTH_NAMES = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const MONTH: Field = { name: 'month', min: 1, max: 12, names: MONTH_NAMES };
const DAY_NAMES = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
/** 7 is Sunday as well, so that a range may end with it. */
const DAY_OF_WEEK: Field = { name: 'day of week', min: 0, max: 7, names: DAY_NAMES };

const MACROS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const TEXT_MAX = 256;
const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Five fields: minute, hour, day of month, month, day of week; six with seconds first. Throws a CronError. */
export function parseCron(text: string): Cron {
  if (text.length > TEXT_MAX) throw new CronError(`must be ${TEXT_MAX} characters or less`);
  const trimmed = text.trim();
  const expression = trimmed.startsWith('@') ? macro(trimmed) : trimmed;
  const parts = expression === '' ? [] : expression.split(/\s+/);
  if (parts.length !== 5 && parts.length !== 6) {
    throw new CronError(`must have 5 fields, or 6 with seconds first; it has ${parts.length}`);
  }
  const [second = '', minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = ''] =
    parts.length === 5 ? ['0', ...parts] : parts;
  const daysOfMonth = parseField(questionMark(dayOfMonth), DAY_OF_MONTH);
  const months = parseField(month, MONTH);
  const weekDays = parseField(questionMark(dayOfWeek), DAY_OF_WEEK).map((day) => day % 7);
  const eitherDay = !isStarred(dayOfMonth) && !isStarred(dayOfWeek);
  if (!eitherDay) mustExist(daysOfMonth, months);
  return {
    seconds: parseField(second, SECOND),
    minutes: parseField(minute, MINUTE),
    hours: parseField(hour, HOUR),
    daysOfMonth: new Set(daysOfMonth),
    months: new Set(months),
    daysOfWeek: new Set(weekDays),
    eitherDay,
    isInterval: [second, minute, hour].some(isStarred),
  };
}

function macro(text: string): string {
  const expression = MACROS[text.toLowerCase()];
  if (expression !== undefined) return expression;
  throw new CronError(`is not one of ${Object.keys(MACROS).join(', ')}`);
}

/** A star, also one with a step, names no days. */
function isStarred(part: string): boolean {
  return part.startsWith('*') || part === '?';
}

/** For "any day", as some write it where the other day field decides. */
function questionMark(part: string): string {
  return part === '?' ? '*' : part;
}

/** All that match, in order. */
function parseField(part: string, field: Field): number[] {
  const matching = new Set<number>();
  for (const item of part.split(',')) for (const value of parseItem(item, field)) matching.add(value);
  return [...matching].sort((a, b) => a - b);
}

function parseItem(item: string, field: Field): number[] {
  const [range = '', stepText, ...more] = item.split('/');
  if (more.length > 0 || item === '') throw faultOf(item, field, 'is no value, range or step');
  const step = stepText === undefined ? 1 : parseStep(stepText, item, field);
  const [from, to] = parseRange(range, { item, field, hasStep: stepText !== undefined });
  const values: number[] = [];
  for (let value = from; value <= to; value += step) values.push(value);
  return values;
}

function parseRange(
  range: string,
  { item, field, hasStep }: { item: string; field: Field; hasStep: boolean },
): readonly [number, number] {
  if (range === '*') return [field.min, field === DAY_OF_WEEK ? 6 : field.max];
  const [first = '', last, ...more] = range.split('-');
  if (more.length > 0) throw faultOf(item, field, 'is no value, range or step');
  const from = parseValue(first, item, field);
  if (last === undefined) return [from, hasStep ? field.max : from];
  const end = parseValue(last, item, field);
  // A week may go from Monday to Sunday.
  const to = field === DAY_OF_WEEK && end === 0 && from > 0 ? 7 : end;
  if (from > to) throw faultOf(item, field, 'begins after it ends');
  return [from, to];
}

function parseValue(text: string, item: string, field: Field): number {
  const named = field.names?.indexOf(text.toUpperCase()) ?? -1;
  // Names count from where the numbers do.
  if (named >= 0) return named + field.min;
  if (!/^[0-9]{1,2}$/.test(text)) {
    const advice = /[LW#]/i.test(text) ? '; L, W and # are not understood' : '';
    throw faultOf(item, field, `is no value, range or step${advice}`);
  }
  const value = Number(text);
  if (value < field.min || value > field.max) {
    throw faultOf(item, field, `is not between ${field.min} and ${field.max}`);
  }
  return value;
}

function parseStep(text: string, item: string, field: Field): number {
  const step = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (step < 1) throw faultOf(item, field, 'has a step that is not a whole number from 1');
  return step;
}

function faultOf(item: string, { name }: Field, message: string): CronError {
  return new CronError(`has the ${name} ${JSON.stringify(item)}, which ${message}`);
}

function mustExist(daysOfMonth: readonly number[], months: readonly number[]): void {
  const first = daysOfMonth[0] ?? 1;
  if (months.some((month) => first <= (DAYS_IN_MONTH[month - 1] ?? 31))) return;
  throw new CronError(`never fires: none of its months has a day ${first}`);
}
