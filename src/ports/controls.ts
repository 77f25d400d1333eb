import type { Control } from '../domain/control.ts';

/** What people said about versions and the fleet: few rows, read whole once per cycle by every member. */
export interface Controls {
  /** Those whose `until` lies after `nowMs`. */
  list(nowMs: number): Promise<Control[]>;
  /** One control of a kind per version: the newest wins. */
  put(control: Control): Promise<void>;
  remove(kind: Control['kind'], versionId: string): Promise<void>;
}
