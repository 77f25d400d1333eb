import { ControlPlaneDouble } from '../../support/control-plane/control-plane-double.ts';
import { type ControlPlaneHarness, controlPlaneContract } from './control-plane-contract.ts';

async function harnessOf(
  double: ControlPlaneDouble,
  headers: Record<string, string> = {},
): Promise<ControlPlaneHarness> {
  const url = await double.start();
  return {
    url,
    headers,
    seed: async (versions) => {
      for (const version of versions) double.fleet.put(version);
    },
    stop: () => double.stop(),
  };
}

controlPlaneContract('the double', () => harnessOf(new ControlPlaneDouble()), { demandsToken: true });

controlPlaneContract(
  'the double that also takes writes without a token, behind a bearer token',
  () => {
    const double = new ControlPlaneDouble({ demandsToken: false, auth: { bearer: 'let-me-in' } });
    return harnessOf(double, { authorization: 'Bearer let-me-in' });
  },
  { demandsToken: false },
);
