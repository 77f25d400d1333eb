import { ApiDouble } from '../../support/kubernetes/api-double.ts';
import { fencedActuatorContract } from '../control-plane/fenced-actuator-contract.ts';
import { kubernetesContract } from './kubernetes-contract.ts';
import { fencedHarness } from './kubernetes-harness.ts';

async function startDouble() {
  const double = new ApiDouble();
  return { url: await double.start(), stop: () => double.stop() };
}

fencedActuatorContract('Kubernetes, the double', async () => fencedHarness(await startDouble()));
kubernetesContract('the double', startDouble);
