import { ControlPlaneConnection } from '../../../src/adapters/control-plane/connection.ts';
import { HttpWishSender } from '../../../src/adapters/control-plane/http-wish-sender.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { GatedActuator } from '../../../src/adapters/wishes/gated-actuator.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { ControlPlaneDouble } from '../../support/control-plane/control-plane-double.ts';
import { fencedActuatorContract } from './fenced-actuator-contract.ts';

fencedActuatorContract('over HTTP, on the double', async () => {
  const double = new ControlPlaneDouble();
  const url = await double.start();
  const clock = systemClock;
  const random = systemRandom;
  const connections = Array.from({ length: 3 }, () => new ControlPlaneConnection({ url, clock, random }));
  const [one, two, three] = connections.map(
    (connection) =>
      new GatedActuator({
        sender: new HttpWishSender({ connection, clock, random }),
        clock,
        random,
        timeoutMs: 10_000,
      }),
  );
  if (!one || !two || !three) throw new Error('three writers were made');
  let made = 0;
  return {
    writers: [one, two, three],
    makeVersion: async ({ min, max }) => {
      made += 1;
      const version = { versionId: `version-${made}`, functionId: 'a-function', account: 'an-account' };
      double.fleet.put({ ...version, minInstances: min, maxInstances: max, activeInstances: 1 });
      return version;
    },
    wantedOf: async ({ versionId }) => double.fleet.find(versionId)?.active ?? Number.NaN,
    stop: async () => {
      for (const connection of connections) connection.close();
      await double.stop();
    },
  };
});
