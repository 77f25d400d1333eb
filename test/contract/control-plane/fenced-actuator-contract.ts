import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import type { FunctionVersion } from '../../../src/domain/function-version.ts';
import type { Actuator } from '../../../src/ports/actuator.ts';

export interface FencedHarness {
  /** Writers that share nothing but the control plane. */
  readonly writers: readonly [Actuator, Actuator, Actuator];
  /** Makes a version exist, known to every writer. */
  readonly makeVersion: (bounds: { min: number; max: number }) => Promise<FunctionVersion>;
  /** What the control plane itself holds as wanted. */
  readonly wantedOf: (version: FunctionVersion) => Promise<number>;
  readonly stop: () => Promise<void>;
}

/** What an actuator must keep that calls itself fenced, whatever control plane is behind it. */
export function fencedActuatorContract(name: string, makeHarness: () => Promise<FencedHarness>): void {
  describe(`a fenced actuator: ${name}`, () => {
    let harness: FencedHarness;
    let one: Actuator;
    let other: Actuator;
    beforeAll(async () => {
      harness = await makeHarness();
      [one, other] = harness.writers;
    }, 180_000);
    afterAll(() => harness?.stop());

    const fresh = () => harness.makeVersion({ min: 0, max: 20 });
    const put = (writer: Actuator, version: FunctionVersion, wanted: number, token: bigint) =>
      writer.actuate(
        { ...version, wanted, token, decidedMs: 1_700_000_000_000 },
        { deadlineMs: systemClock.monotonicMs() + 30_000 },
      );

    it('says so', () => {
      expect(harness.writers.map(({ strength }) => strength)).toEqual(['fenced', 'fenced', 'fenced']);
    });

    it('has the first token accepted, whatever it is', async () => {
      const version = await fresh();
      expect(await put(one, version, 3, 1_700_000_000_000_000n)).toMatchObject({ outcome: 'applied' });
      expect(await harness.wantedOf(version)).toBe(3);
    });

    it('has a greater token accepted, up or down, of whomever', async () => {
      const version = await fresh();
      await put(one, version, 9, 10n);
      expect(await put(other, version, 4, 11n)).toMatchObject({ outcome: 'applied' });
      expect(await put(one, version, 5, 1_000n)).toMatchObject({ outcome: 'applied' });
      expect(await harness.wantedOf(version)).toBe(5);
    });

    it('is told of a repetition as of the first time', async () => {
      const version = await fresh();
      await put(one, version, 6, 20n);
      expect(['applied', 'already-so']).toContain((await put(one, version, 6, 20n)).outcome);
      expect(['applied', 'already-so']).toContain((await put(other, version, 6, 20n)).outcome);
      expect(await harness.wantedOf(version)).toBe(6);
    });

    it('is fenced with the same token and another wish', async () => {
      const version = await fresh();
      await put(one, version, 6, 20n);
      expect(await put(other, version, 7, 20n)).toMatchObject({ outcome: 'fenced', storedToken: 20n });
      expect(await harness.wantedOf(version)).toBe(6);
    });

    it('is fenced with an older token, and told the one that stands', async () => {
      const version = await fresh();
      await put(one, version, 6, 9_007_199_254_740_993n);
      expect(await put(other, version, 2, 9_007_199_254_740_992n)).toMatchObject({
        outcome: 'fenced',
        storedToken: 9_007_199_254_740_993n,
      });
      expect(await harness.wantedOf(version)).toBe(6);
    });

    it('has tokens compared as numbers, over all 63 bits', async () => {
      const version = await fresh();
      expect(await put(one, version, 1, 9n)).toMatchObject({ outcome: expect.stringMatching(/applied|already-so/) });
      expect(await put(other, version, 2, 10n)).toMatchObject({ outcome: 'applied' });
      expect(await put(one, version, 3, 9_223_372_036_854_775_807n)).toMatchObject({ outcome: 'applied' });
      expect(await put(other, version, 4, 9_223_372_036_854_775_806n)).toMatchObject({ outcome: 'fenced' });
    });

    it('raises the token also where nothing else changes, so that no older wish comes after', async () => {
      const version = await fresh();
      await put(one, version, 6, 20n);
      expect(await put(one, version, 6, 30n)).toMatchObject({ outcome: 'already-so' });
      expect(await put(other, version, 1, 25n)).toMatchObject({ outcome: 'fenced', storedToken: 30n });
      expect(await harness.wantedOf(version)).toBe(6);
    });

    it('keeps versions apart', async () => {
      const [first, second] = [await fresh(), await fresh()];
      await put(one, first, 2, 500n);
      expect(await put(one, second, 2, 5n)).toMatchObject({ outcome: 'applied' });
    });

    it('stays within the bounds of the version', async () => {
      const version = await harness.makeVersion({ min: 2, max: 5 });
      await put(one, version, 1_000, 1n);
      expect(await harness.wantedOf(version)).toBe(5);
      await put(one, version, 0, 2n);
      expect(await harness.wantedOf(version)).toBe(2);
    });

    it('lets exactly one of many writers through under each token, and the newest stand at the end', async () => {
      for (let round = 0; round < 4; round += 1) {
        const version = await fresh();
        const wishes = Array.from({ length: 24 }, (_, index) => ({
          writer: harness.writers[index % 3] ?? one,
          wanted: 1 + (index % 8),
          token: 100n + BigInt(Math.floor(index / 8)),
        }));
        const ends = await Promise.all(
          wishes.map(async (wish) => ({ ...wish, ...(await put(wish.writer, version, wish.wanted, wish.token)) })),
        );
        const accepted = ends.filter(({ outcome }) => outcome === 'applied' || outcome === 'already-so');
        // Who gave up was not let through; nobody may think so who was.
        expect(ends.filter(({ outcome }) => !['applied', 'already-so', 'fenced', 'failed'].includes(outcome))).toEqual(
          [],
        );
        const byToken = Map.groupBy(accepted, ({ token }) => token);
        for (const ofToken of byToken.values()) expect(new Set(ofToken.map(({ wanted }) => wanted)).size).toBe(1);
        const newest = accepted.reduce((most, each) => (each.token > most.token ? each : most));
        expect(await harness.wantedOf(version)).toBe(newest.wanted);
        expect(await put(one, version, 3, 103n)).toMatchObject({
          outcome: expect.stringMatching(/applied|already-so/),
        });
        expect(await put(other, version, 5, 102n)).toMatchObject({ outcome: 'fenced', storedToken: 103n });
      }
    });

    it('says of a version that is not there that it is gone', async () => {
      const version = await fresh();
      const stranger = { ...version, versionId: `${version.versionId}-not` };
      expect(await put(one, stranger, 1, 1n)).toMatchObject({ outcome: 'refused', isGone: true });
    });
  });
}
