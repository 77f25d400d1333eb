import { Cell } from '../cell.ts';

export type TokenState = 'not-asked' | 'missing' | 'wrong' | 'given';

const KEY = 'starling.token';

/** The bearer token: kept for this tab alone, and gone when the tab is closed. */
export class Token {
  readonly state = new Cell<TokenState>('not-asked');
  readonly #storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

  constructor(storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>) {
    this.#storage = storage;
  }

  current(): string | undefined {
    return this.#storage.getItem(KEY) ?? undefined;
  }

  give(token: string): void {
    this.#storage.setItem(KEY, token);
    this.state.set('given');
  }

  /** The member did not take `used`; a newer one may have been given meanwhile. */
  refused(used: string | undefined): void {
    if (this.current() !== used) return;
    this.#storage.removeItem(KEY);
    if (used !== undefined) this.state.set('wrong');
    else if (this.state.value !== 'wrong') this.state.set('missing');
  }
}
