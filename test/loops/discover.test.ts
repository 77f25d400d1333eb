import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { Discover } from '../../src/loops/discover.ts';
import { placeVersion } from '../../src/sharding/place.ts';
import { type Meters, silentMeters } from '../../src/telemetry/meters.ts';
import { FaultyStore, FaultyWorld } from '../support/faulty-connection.ts';
import { HandWoundClock } from '../support/hand-wound-clock.ts';
import { ScriptedSignals } from '../support/scripted-signals.ts';

const MINUTE = 60_000;

function aDiscovery() {
  const clock = new HandWoundClock();
  const world = new FaultyWorld({ clock });
  const store = new FaultyStore(world, { name: 'm1' });
  const signals = new ScriptedSignals(() => clock.wallMs());
  const duty = { token: 1n as bigint | undefined, isOver: false };
  const gauges = new Map<string, number>();
  const counters = new Map<string, number>();
  const meters: Meters = {
    ...silentMeters,
    set: (name, value) => gauges.set(name, value),
    add: (name, value, labels) => {
      const key = `${name} ${labels?.['why'] ?? ''}`;
      counters.set(key, (counters.get(key) ?? 0) + value);
    },
  };
  const operations: string[] = [];
  world.outcomeOf = ({ operation }) => {
    operations.push(operation);
    return { kind: 'answered', beforeMs: 0, afterMs: 0 };
  };
  const discover = new Discover({
    duty: { heldToken: () => duty.token, isOver: () => duty.isOver },
    reader: signals,
    catalogue: store.catalogue,
    clock,
    logger: pino({ level: 'silent' }),
    meters,
    settings: {
      discovery: {
        intervalMs: MINUTE / 4,
        ttlMs: 30 * MINUTE,
        refreshAfterMs: 10 * MINUTE,
        heldAfterMs: 10 * MINUTE,
      },
    },
  });
  const show = (versionId: string, given = {}) =>
    signals.discoverable.set(versionId, { functionId: 'f1', account: 'a1', ...given });
  const run = () => discover.activate({ signal: new AbortController().signal });
  const count = (operation: string) => operations.filter((each) => each === operation).length;
  const row = (versionId: string) => world.active.peek(placeVersion(versionId))?.get(versionId);
  return { clock, world, store, signals, duty, gauges, counters, show, run, count, row };
}

describe('discovery', () => {
  it('does nothing without the duty', async () => {
    const { duty, show, run, count, row } = aDiscovery();
    duty.token = undefined;
    show('v1');
    await run();
    expect(row('v1')).toBeUndefined();
    expect(count('catalogue.read')).toBe(0);
  });

  it('writes what is new at once, and again only when it is due', async () => {
    const { clock, show, run, count, row } = aDiscovery();
    show('v1');
    await run();
    expect(row('v1')?.row).toMatchObject({ functionId: 'f1', discoveryToken: 1n });
    await clock.wind(9 * MINUTE);
    await run();
    expect(count('catalogue.enrol')).toBe(1);
    await clock.wind(MINUTE);
    await run();
    expect(count('catalogue.enrol')).toBe(2);
    show('v1', { account: 'a2' });
    await run();
    expect(count('catalogue.enrol')).toBe(3);
  });

  it('goes by what its predecessor wrote', async () => {
    const { clock, duty, show, run, count } = aDiscovery();
    show('v1');
    await run();
    await clock.wind(5 * MINUTE);
    duty.token = 2n;
    await run();
    expect(count('catalogue.enrol')).toBe(1);
    await clock.wind(5 * MINUTE);
    await run();
    expect(count('catalogue.enrol')).toBe(2);
  });

  it('stops writing in the middle when the duty is in doubt', async () => {
    const { signals, duty, show, run, row } = aDiscovery();
    show('v1');
    const discovered = signals.discover.bind(signals);
    signals.discover = (part) => {
      duty.token = undefined;
      return discovered(part);
    };
    await run();
    expect(row('v1')).toBeUndefined();
  });

  it('keeps what it knows while a renewal is late, and forgets it when another has the duty', async () => {
    const { duty, gauges, show, run, count } = aDiscovery();
    show('v1');
    await run();
    expect(gauges.get('starling_discovery_versions')).toBe(1);
    duty.token = undefined;
    await run();
    duty.token = 1n;
    await run();
    expect(count('catalogue.read')).toBe(1);
    duty.token = undefined;
    duty.isOver = true;
    await run();
    expect(gauges.get('starling_discovery_versions')).toBeNaN();
    expect(gauges.get('starling_discovery_part_age_seconds')).toBeNaN();
    Object.assign(duty, { token: 3n, isOver: false });
    await run();
    expect(count('catalogue.read')).toBe(2);
    expect(gauges.get('starling_discovery_versions')).toBe(1);
  });

  it('leaves out labels that no store could keep, and enrols the others', async () => {
    const { counters, show, run, row } = aDiscovery();
    show('good', { account: '' });
    show('x'.repeat(300));
    show('bad1', { functionId: 'f'.repeat(300) });
    show('bad2', { account: '\ud800' });
    await run();
    expect(row('good')).toBeDefined();
    expect([row('bad1'), row('bad2')]).toEqual([undefined, undefined]);
    expect(counters.get('starling_discovery_rejected_total id')).toBe(3);
  });

  it('keeps the versions of a part alive that has been dark for long, and no others', async () => {
    const { clock, signals, show, run, row } = aDiscovery();
    signals.parts = ['a', 'b'].map((prefix) => ({ name: prefix, buckets: undefined, prefixes: [prefix] }));
    show('a1');
    show('b1');
    await run();
    signals.darkParts.add('a');
    signals.discoverable.delete('b1');
    for (let minute = 0; minute < 40; minute += 1) {
      await clock.wind(MINUTE);
      await run();
    }
    expect((row('a1')?.expiresMs ?? 0) > clock.wallMs()).toBe(true);
    expect((row('b1')?.expiresMs ?? 0) > clock.wallMs()).toBe(false);
  });

  it('retires the row of a version whose metrics carry another bucket now', async () => {
    const { clock, world, signals, run } = aDiscovery();
    let bucket = 7;
    signals.discover = async (part) => ({
      part,
      state: 'read',
      detail: '',
      versions: [{ versionId: 'v1', functionId: 'f1', account: 'a1', bucket, profiles: [] }],
    });
    await run();
    bucket = 8;
    await run();
    await clock.wind(1_001);
    expect((world.active.peek(7)?.get('v1')?.expiresMs ?? 0) > clock.wallMs()).toBe(false);
    expect((world.active.peek(8)?.get('v1')?.expiresMs ?? 0) > clock.wallMs()).toBe(true);
  });
});
