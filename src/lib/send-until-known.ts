export type Known<T> =
  | { readonly outcome: 'known'; readonly value: T }
  | { readonly outcome: 'unknown'; readonly error: unknown };

/**
 * Sends the same thing again while nobody can say what became of it. Right only for a write that carries a nonce, so that
 * the second copy recognises the first. Once one copy is in doubt, a clean failure of a later one settles nothing: the
 * first may still arrive. A clean failure of the first copy is thrown.
 */
export async function sendUntilKnown<T>(
  options: { attempts: number; isUnknown: (error: unknown) => boolean },
  send: () => Promise<T>,
): Promise<Known<T>> {
  let doubt: { error: unknown } | undefined;
  for (let attempt = 0; attempt < options.attempts; attempt += 1) {
    try {
      return { outcome: 'known', value: await send() };
    } catch (error) {
      if (!doubt && !options.isUnknown(error)) throw error;
      doubt ??= { error };
    }
  }
  return { outcome: 'unknown', error: doubt?.error };
}
