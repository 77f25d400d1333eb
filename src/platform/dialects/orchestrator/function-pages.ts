import type { FunctionRecord } from '../../model/function-record.ts';
import { PlatformError } from '../../model/platform-error.ts';
import { countIn } from '../query-value.ts';
import { shownId } from './function-labels.ts';

const FUNCTIONS_MAX = 1_000;
/** Definitions hold their source: a page ends with the one that passes this. */
const PAGE_CHARS_MAX = 16 * 2 ** 20;

/** The definitions from the first on, or from behind `after`; where there are more, `next` is what to ask for then. */
export function pageOfFunctions(
  records: readonly FunctionRecord[],
  { query, view }: { query: URLSearchParams; view: (record: FunctionRecord) => object },
): { readonly functions: readonly object[]; readonly next?: string } {
  const limit = countIn(query, 'limit', { usual: FUNCTIONS_MAX, max: FUNCTIONS_MAX });
  const first = firstAfter(records, query.get('after'));
  const functions: object[] = [];
  let chars = 0;
  for (const record of records.slice(first, first + limit)) {
    const definition = view(record);
    functions.push(definition);
    chars += 'code' in definition && typeof definition.code === 'string' ? definition.code.length : 0;
    if (chars > PAGE_CHARS_MAX) break;
  }
  const last = records[first + functions.length - 1];
  return last && first + functions.length < records.length ? { functions, next: shownId(last) } : { functions };
}

function firstAfter(records: readonly FunctionRecord[], after: string | null): number {
  if (after === null) return 0;
  const index = records.findIndex((record) => shownId(record) === after);
  if (index < 0) throw new PlatformError('input-invalid', 'after is the id of no function: begin again without it');
  return index + 1;
}
