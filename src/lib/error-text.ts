/** What a thrown value says, also where it is no error. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
