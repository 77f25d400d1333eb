import { type StoreKind, timeseriesAvailability } from '../../support/timeseries/timeseries-server.ts';

/** Says so where tests are left out for want of a time-series store; on CI that is a failure already. */
export async function leftOutWithout(kind: StoreKind): Promise<boolean> {
  const found = await timeseriesAvailability(kind);
  if (!found.available) console.warn(`left out: ${found.why}`);
  return !found.available;
}
