/** What is scaled. The version id is its key: it is unique across functions and accounts. */
export interface FunctionVersion {
  readonly versionId: string;
  readonly functionId: string;
  readonly account: string;
}

/** Ids are text from outside. Anything printable up to this length is carried unchanged, quotes and newlines included. */
export const ID_LENGTH_MAX = 255;

/** Half a surrogate pair has no UTF-8: every store would keep it as the same replacement character, and two ids become one. */
export function isUsableId(id: string): boolean {
  return id.length > 0 && id.length <= ID_LENGTH_MAX && id.isWellFormed();
}
