import { type ConnectionOptions, ControlPlaneConnection } from '../../../src/adapters/control-plane/connection.ts';
import { HttpWishSender, type HttpWishSenderOptions } from '../../../src/adapters/control-plane/http-wish-sender.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { GatedActuator, type GatedActuatorOptions } from '../../../src/adapters/wishes/gated-actuator.ts';
import type { Wish } from '../../../src/domain/actuation.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import type { Random } from '../../../src/lib/random.ts';
import {
  ControlPlaneDouble,
  type ControlPlaneDoubleOptions,
} from '../../support/control-plane/control-plane-double.ts';
import { settle } from '../../support/hand-wound-clock.ts';

export const middling: Random = { next: () => 0.5, uuid: () => 'uuid' };

export interface Client extends AsyncDisposable {
  readonly double: ControlPlaneDouble;
  readonly connection: ControlPlaneConnection;
  readonly actuator: GatedActuator;
  readonly actuate: (wish?: Partial<Wish>, leftMs?: number) => ReturnType<GatedActuator['actuate']>;
}

/** The client and a control plane, joined by real HTTP. */
export async function setUpClient(
  options: {
    clock?: Clock;
    double?: ControlPlaneDoubleOptions;
    connection?: Partial<ConnectionOptions>;
    actuator?: Partial<GatedActuatorOptions & Pick<HttpWishSenderOptions, 'strength'>>;
  } = {},
): Promise<Client> {
  const { clock = systemClock } = options;
  const double = new ControlPlaneDouble({ versions: [seedOf('v1'), seedOf('v2')], ...options.double });
  await double.start();
  const connection = new ControlPlaneConnection({ url: double.url, clock, random: middling, ...options.connection });
  const { strength, ...gate } = options.actuator ?? {};
  const sender = new HttpWishSender({ connection, clock, random: middling, strength });
  const actuator = new GatedActuator({ sender, clock, random: middling, ...gate });
  return {
    double,
    connection,
    actuator,
    actuate: (wish = {}, leftMs = 60_000) =>
      actuator.actuate({ ...aWish, ...wish }, { deadlineMs: clock.monotonicMs() + leftMs }),
    [Symbol.asyncDispose]: async () => {
      connection.close();
      await double.stop();
    },
  };
}

export const aWish: Wish = {
  account: 'account-1',
  functionId: 'function-1',
  versionId: 'v1',
  wanted: 3,
  token: 10n,
  decidedMs: 1_700_000_000_000,
};

export function seedOf(versionId: string) {
  return { versionId, functionId: 'function-1', account: 'account-1', maxInstances: 50 };
}

/** Waits for something that real input and output bring about. */
export async function until(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 10_000; round += 1) {
    if (condition()) return;
    await settle();
  }
  throw new Error('it never came about');
}
