import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { fencedActuatorContract } from '../../contract/control-plane/fenced-actuator-contract.ts';
import { kubernetesContract } from '../../contract/kubernetes/kubernetes-contract.ts';
import { type ApiServer, fencedHarness } from '../../contract/kubernetes/kubernetes-harness.ts';
import { ControlPlane } from '../../support/kubernetes/control-plane.ts';
import { whyNot } from '../../support/kubernetes/tools.ts';

const missing = whyNot('cluster');

describe.skipIf(missing !== undefined)(
  `on a real API server${missing === undefined ? '' : ` (left out: ${missing})`}`,
  () => {
    let plane: ControlPlane;
    const read = (name: string) => readFileSync(path.join(plane.folder, 'pki', name), 'utf8');
    const server = async (): Promise<ApiServer> => ({
      url: plane.url,
      tls: { ca: read('ca.crt'), cert: read('admin.crt'), key: read('admin.key') },
      stop: async () => {},
    });
    beforeAll(async () => {
      plane = await ControlPlane.start({ only: 'api' });
    });
    afterAll(() => plane?.stop());

    fencedActuatorContract('Kubernetes', async () => fencedHarness(await server()));
    kubernetesContract('Kubernetes 1.36', server);
  },
);
