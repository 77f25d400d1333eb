import { PlatformError } from '../model/platform-error.ts';

/** A count in the query, such as `?limit=100`; `usual` where there is none. Throws `input-invalid`. */
export function countIn(query: URLSearchParams, name: string, { usual, max }: { usual: number; max: number }): number {
  const text = query.get(name);
  if (text === null) return usual;
  const count = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= max) return count;
  throw new PlatformError('input-invalid', `${name} must be a whole number from 1 to ${max}`, { field: name });
}

/** One of a few words in the query, such as `?kind=queue`; undefined where there is none. Throws `input-invalid`. */
export function choiceIn<Choice extends string>(
  query: URLSearchParams,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  const text = query.get(name);
  const choice = choices.find((each) => each === text);
  if (text === null || choice !== undefined) return choice;
  throw new PlatformError('input-invalid', `${name} must be one of ${choices.join(', ')}`, { field: name });
}
