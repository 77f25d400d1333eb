import type { StoreErrorKind } from '../../ports/store-error.ts';
import type { ReadName, WriteName } from './operations.ts';

/** What the store asks of its worker. The jobs of one `write` share a transaction, and each stands or falls for itself. */
export type WorkerRequest =
  | { readonly kind: 'read'; readonly id: number; readonly name: ReadName; readonly args: readonly unknown[] }
  | { readonly kind: 'write'; readonly id: number; readonly jobs: readonly Job[] };

export interface Job {
  readonly name: WriteName;
  readonly args: readonly unknown[];
}

export interface Failure {
  readonly kind: StoreErrorKind;
  readonly message: string;
}

export type End = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly failure: Failure };

export type WorkerReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unusable'; readonly failure: Failure }
  /** One end for a read, one per job for a write. */
  | { readonly kind: 'answer'; readonly id: number; readonly ends: readonly End[] };

export interface WorkerOptions {
  readonly path: string;
  readonly busyTimeoutMs: number;
  readonly fileBytesMax: number | undefined;
}
