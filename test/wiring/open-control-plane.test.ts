import { afterEach, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { Secrets } from '../../src/config/secrets.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { silentMeters } from '../../src/telemetry/meters.ts';
import { openHttpControlPlane } from '../../src/wiring/open-control-plane.ts';
import { ControlPlaneDouble } from '../support/control-plane/control-plane-double.ts';
import { HandWoundClock } from '../support/hand-wound-clock.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** The policy that a version has for the autoscaler, where the control plane names one. */
async function policyWith(...set: string[]) {
  const double = new ControlPlaneDouble({
    versions: [{ versionId: 'v', functionId: 'f', policy: { kind: 'target', target: 0.5 } }],
  });
  await double.start();
  ends.push(() => double.stop());
  const clock = new HandWoundClock();
  const secrets = new Secrets({ clock });
  const { config } = loadConfig({ set: [`controlPlane.url=${double.url}`, ...set] });
  const controlPlane = openHttpControlPlane(config, { secrets, clock, random: systemRandom, meters: silentMeters });
  ends.push(() => controlPlane.close());
  const version = { versionId: 'v', functionId: 'f', account: '' };
  await controlPlane.targets.refresh([version]);
  const answer = controlPlane.targets.get('v');
  return answer.state === 'known' ? answer.target.policy : answer;
}

it('follows the policies that the control plane names, unless policy.source says otherwise', async () => {
  expect(await policyWith()).toMatchObject({ kind: 'target', target: 0.5 });
  expect(await policyWith('policy.source=default')).toBeUndefined();
});
