import { expect } from 'vitest';
import type { SeenRequest } from '../../support/control-plane/control-plane-double.ts';
import type { HistoryEntry } from '../../support/control-plane/double-fleet.ts';

/** What must hold for every write that ever reached a control plane, whatever happened to the replicas. */
export function expectOrderlyWrites(controlPlane: {
  readonly seen: readonly SeenRequest[];
  readonly fleet: { readonly history: readonly HistoryEntry[] };
}): void {
  const { history } = controlPlane.fleet;
  expect(history.length, 'writes at all').toBeGreaterThan(0);
  const newest = new Map<string, bigint>();
  for (const { versionId, token, outcome } of history) {
    if (outcome !== 'applied') continue;
    expect(BigInt(token), `token of ${versionId}`).toBeGreaterThan(newest.get(versionId) ?? 0n);
    newest.set(versionId, BigInt(token));
  }
  expect(writersPerToken(controlPlane.seen).filter(({ writers }) => writers.size > 1)).toEqual([]);
}

function writersPerToken(seen: readonly SeenRequest[]): { key: string; writers: Set<string> }[] {
  const writers = new Map<string, Set<string>>();
  for (const { call, url, headers } of seen) {
    if (call !== 'prediction') continue;
    const key = `${url} ${headers['fencing-token']}`;
    const ofToken = writers.get(key) ?? new Set();
    writers.set(key, ofToken.add(headers['user-agent'] ?? ''));
  }
  return [...writers].map(([key, ofToken]) => ({ key, writers: ofToken }));
}

/** Every accepted count is at least the one before it; `from` is what ran at first. */
export function loweredWrites(history: readonly HistoryEntry[], from: ReadonlyMap<string, number>): HistoryEntry[] {
  const last = new Map(from);
  return history.filter(({ versionId, wanted, outcome }) => {
    if (outcome !== 'applied') return false;
    const isLower = wanted < (last.get(versionId) ?? 0);
    last.set(versionId, wanted);
    return isLower;
  });
}
