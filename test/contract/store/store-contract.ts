import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Bench } from './bench.ts';
import { claimCases } from './claim-cases.ts';
import { dutyCases } from './duty-cases.ts';
import { faultCases } from './fault-cases.ts';
import { type Capability, hasCapability, type LeftOut, type StoreHarness } from './harness.ts';
import { lifeCases } from './life-cases.ts';
import { rowCases } from './row-cases.ts';

/** One case of the contract. */
export interface ContractCase {
  readonly name: string;
  readonly needs?: readonly Capability[];
  /** Real time that the case may take where it has to wait for a store; the project's default otherwise. */
  readonly timeoutMs?: number;
  run(bench: Bench): Promise<void>;
}

/**
 * The contract of a coordination store: claims, duties, rows, the life of a store, and faults. A double is honest when it
 * passes the same cases as the real thing. A capability that a harness lacks is named in `leftOut` with the reason, which
 * then stands in the names of the skipped cases; a lack that is not named fails the suite.
 */
export function storeContract(name: string, makeHarness: () => Promise<StoreHarness>, leftOut: LeftOut = {}): void {
  describe(`store contract: ${name}`, () => {
    let bench: Bench | undefined;
    const theBench = (): Bench => {
      if (!bench) throw new Error('the harness did not start');
      return bench;
    };

    beforeAll(async () => {
      bench = new Bench(await makeHarness());
      const first = await bench.open();
      await first.agree(bench.harness.layout);
      await bench.closeAll();
    }, 180_000);
    afterEach(() => theBench().closeAll());
    afterAll(async () => {
      await bench?.harness.dispose();
    }, 60_000);

    it('names every capability that its harness lacks', () => {
      const all: Capability[] = ['pass', 'reopen', 'outage', 'lost-answers', 'kill'];
      const lacking = all.filter((capability) => !hasCapability(theBench().harness, capability));
      expect(lacking).toEqual(all.filter((capability) => leftOut[capability] !== undefined));
    });

    for (const oneCase of [...claimCases, ...dutyCases, ...rowCases, ...lifeCases, ...faultCases]) {
      const missing = oneCase.needs?.find((capability) => leftOut[capability] !== undefined);
      if (missing) it.skip(`${oneCase.name} (left out: ${leftOut[missing]})`, () => {});
      else
        it(oneCase.name, { ...(oneCase.timeoutMs ? { timeout: oneCase.timeoutMs } : {}) }, () =>
          oneCase.run(theBench()),
        );
    }
  });
}
