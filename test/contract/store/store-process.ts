/**
 * A process that opens stores and does what it is told over IPC. Started by `remote-store.ts` with one argument: the URL of
 * a module that exports `openStore(args)`.
 */
import type { Store } from '../../../src/ports/store.ts';
import { StoreError } from '../../../src/ports/store-error.ts';

export type Order =
  | { readonly id: number; readonly kind: 'open'; readonly store: number; readonly args: unknown }
  | {
      readonly id: number;
      readonly kind: 'call';
      readonly store: number;
      readonly path: readonly string[];
      readonly args: unknown[];
    };

export interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: {
    readonly type: 'StoreError' | 'RangeError' | 'Error';
    readonly kind: string;
    readonly message: string;
  };
}

export interface StoreOpener {
  openStore(args: unknown): Promise<Store>;
}

const opener = (await import(process.argv[2] ?? '')) as StoreOpener;
const stores = new Map<number, Store>();

async function obey(order: Order): Promise<unknown> {
  if (order.kind === 'open') {
    stores.set(order.store, await opener.openStore(order.args));
    return undefined;
  }
  const store = stores.get(order.store);
  if (!store) throw new Error(`no store ${order.store} in this process`);
  const method = order.path.at(-1) ?? '';
  const role = order.path.slice(0, -1).reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], store);
  return await (role as Record<string, (...args: unknown[]) => Promise<unknown>>)[method]?.(...order.args);
}

function describeError(error: unknown): NonNullable<Reply['error']> {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof StoreError) return { type: 'StoreError', kind: error.kind, message };
  return { type: error instanceof RangeError ? 'RangeError' : 'Error', kind: '', message };
}

process.on('message', (order: Order) => {
  obey(order).then(
    (value) => process.send?.({ id: order.id, value } satisfies Reply),
    (error) => process.send?.({ id: order.id, error: describeError(error) } satisfies Reply),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ id: -1 } satisfies Reply);
