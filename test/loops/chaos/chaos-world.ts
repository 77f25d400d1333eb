import pino from 'pino';
import type { Actuation, Wish } from '../../../src/domain/actuation.ts';
import type { Claim } from '../../../src/domain/function-state.ts';
import type { MemberRow } from '../../../src/domain/member.ts';
import type { Part } from '../../../src/domain/part.ts';
import { defaultPolicy } from '../../../src/domain/policy.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import { sleep } from '../../../src/lib/clock.ts';
import { Autoscaler, type AutoscalerSettings } from '../../../src/loops/autoscaler.ts';
import { type Actuator, NotAdmitted } from '../../../src/ports/actuator.ts';
import type { SignalReader } from '../../../src/ports/signal-reader.ts';
import type { ClaimResult } from '../../../src/ports/state-keeper.ts';
import type { Store } from '../../../src/ports/store.ts';
import { silentMeters } from '../../../src/telemetry/meters.ts';
import { SETTINGS } from '../../support/a-fleet.ts';
import { FaultyStore, FaultyWorld } from '../../support/faulty-connection.ts';
import { anActuation, FencedControlPlane } from '../../support/fenced-control-plane.ts';
import { HandWoundClock } from '../../support/hand-wound-clock.ts';
import type { PlannedOutcome } from '../../support/planned-outcome.ts';
import { ScriptedSignals, type Series } from '../../support/scripted-signals.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { Gate, MachineClock } from './gate.ts';
import type { ChaosEvent } from './history.ts';

const PROFILE = 'worker-threads';

export interface ChaosVersion {
  readonly versionId: string;
  readonly min: number;
  readonly max: number;
  readonly isTarget: boolean;
  readonly steadySeconds: number;
  readonly isUntouchable: boolean;
  /** Instances' worth of work. */
  load: number;
  instances: number;
  calls: number;
  isShown: boolean;
  isPaused: boolean;
}

export interface ChaosMember {
  readonly memberId: string;
  readonly autoscaler: Autoscaler;
  readonly store: FaultyStore;
  readonly signals: ScriptedSignals;
  readonly clock: MachineClock;
  readonly gate: Gate;
  state: 'alive' | 'paused' | 'stopping' | 'gone';
}

type Untimed<Event> = Event extends ChaosEvent ? Omit<Event, 'atMs'> : never;

/** How things go for as long as nothing else is said. */
export interface Weather {
  /** Of calls to the store: lost, refused, slow. */
  store: number;
  controlPlane: 'well' | 'slow' | 'silent' | 'failing' | 'refusing' | 'throttled';
  /** The longest that a read of the signals takes. */
  readMs: number;
}

/** Members with real loops in one world in which everything can go wrong, by the throw of seeded dice; writes down what happens. */
export class ChaosWorld {
  readonly random: SeededRandom;
  readonly clock = new HandWoundClock();
  readonly store = new FaultyWorld({ clock: this.clock });
  readonly controlPlane: FencedControlPlane;
  readonly history: ChaosEvent[] = [];
  readonly versions = new Map<string, ChaosVersion>();
  readonly members: ChaosMember[] = [];
  readonly weather: Weather = { store: 0, controlPlane: 'well', readMs: 0 };
  /** Instances follow what the control plane wants, after a while. */
  doInstancesFollow = true;
  readonly #series = new Map<string, Series>();
  readonly #settings: AutoscalerSettings;
  readonly #parts: Part[];
  #joined = 0;

  constructor(options: { seed: number; isFenced: boolean; parts: Part[]; settings: Partial<AutoscalerSettings> }) {
    this.random = new SeededRandom(options.seed);
    this.controlPlane = new FencedControlPlane(options.isFenced ? 'fenced' : 'plain');
    this.controlPlane.isDry = ({ versionId }) => versionId.startsWith('dry');
    this.#parts = options.parts;
    this.#settings = { ...SETTINGS, ...options.settings };
    this.store.outcomeOf = () => this.#outcome();
  }

  run(
    version: Pick<ChaosVersion, 'versionId' | 'min' | 'max' | 'isTarget' | 'steadySeconds' | 'load' | 'instances'>,
  ): void {
    const { versionId, min, max, steadySeconds } = version;
    const isInactive = versionId.startsWith('inactive');
    this.versions.set(versionId, {
      ...version,
      isUntouchable: isInactive || versionId.startsWith('dry'),
      calls: this.random.between(0, 100),
      isShown: true,
      isPaused: false,
    });
    this.controlPlane.know({
      versionId,
      instancesMin: min,
      instancesMax: max,
      status: isInactive ? 'INACTIVE' : 'ACTIVE',
      policy: version.isTarget
        ? { ...defaultPolicy('target'), stabilisationDownSeconds: steadySeconds, idleTimeoutSeconds: 60 }
        : undefined,
    });
    this.show(versionId);
  }

  /** Writes the series as they are now. */
  show(versionId: string): void {
    const version = this.versions.get(versionId);
    if (!version) return;
    if (!version.isShown) {
      this.#series.delete(versionId);
      return;
    }
    const { load, instances, calls } = version;
    this.#series.set(versionId, {
      ...(instances > 0 && { utilisation: Math.min(100, (100 * load) / instances), instances }),
      calls,
    });
  }

  /** What the control plane wants of a version, or what runs where it was never told. */
  countOf(versionId: string): number {
    return this.controlPlane.counts.get(versionId) ?? this.versions.get(versionId)?.instances ?? 0;
  }

  join(): ChaosMember {
    this.#joined += 1;
    const memberId = `m${this.#joined}`;
    const gate = new Gate(this.random);
    const clock = new MachineClock(this.clock, gate);
    const store = new FaultyStore(this.store, { name: memberId });
    const signals = new ScriptedSignals(() => clock.wallMs());
    signals.parts = this.#parts;
    signals.profiles.set(PROFILE, this.#series);
    for (const { versionId } of this.versions.values())
      signals.discoverable.set(versionId, { functionId: 'f1', account: 'a1' });
    const autoscaler = new Autoscaler({
      memberId,
      version: 'test',
      address: '',
      weight: 1,
      store: this.#storeOf(memberId, { store, clock, gate }),
      reader: gate.guard(this.#readerOf(memberId, { signals, clock })),
      targets: gate.guard(this.controlPlane),
      actuator: gate.guard(this.#actuatorOf(memberId, clock)),
      clock,
      random: this.random,
      logger: pino({ level: 'silent' }),
      meters: silentMeters,
      settings: this.#settings,
    });
    const member: ChaosMember = { memberId, autoscaler, store, signals, clock, gate, state: 'alive' };
    this.members.push(member);
    autoscaler.start();
    return member;
  }

  /** As kill -9: what is on its way arrives or not, but nobody is there any more. */
  kill(member: ChaosMember): void {
    member.state = 'gone';
    member.store.connection.kill();
    member.gate.shut();
  }

  stop(member: ChaosMember): void {
    member.state = 'stopping';
    const stopped = async () => {
      await member.autoscaler.stop();
      await member.store.close();
      member.state = 'gone';
    };
    void stopped();
  }

  /** Stands still for a while; a machine that sleeps does not count the time either. */
  pause(member: ChaosMember, { forMs, isAsleep }: { forMs: number; isAsleep: boolean }): void {
    member.state = 'paused';
    member.gate.shut();
    this.clock.after(forMs, () => {
      if (member.state !== 'paused') return;
      member.state = 'alive';
      if (isAsleep) member.clock.slept(forMs);
      member.gate.open();
    });
  }

  /** As somebody at a working console would. */
  pauseVersion(version: ChaosVersion): void {
    const { versionId } = version;
    version.isPaused = true;
    const until = this.clock.wallMs() + 86_400_000;
    this.store.controls.set(`pause/${versionId}`, { kind: 'pause', versionId, until, by: 'chaos', why: 'to see' });
    this.#note({ kind: 'paused', versionId });
  }

  #note(event: Untimed<ChaosEvent>): void {
    this.history.push({ atMs: this.clock.monotonicMs(), ...event });
  }

  #outcome(): PlannedOutcome {
    const { random } = this;
    const dice = random.next();
    const { store } = this.weather;
    if (dice >= store) return { kind: 'answered', beforeMs: 0, afterMs: 0 };
    if (dice < store * 0.3) {
      const applies = random.pick(['now', 'never', { lateMs: random.between(1, 5_000) }] as const);
      return { kind: 'lost', applies, giveUpMs: random.between(100, 1_500) };
    }
    if (dice < store * 0.5) {
      return { kind: 'refused', error: random.pick(['unavailable', 'busy'] as const), afterMs: random.between(0, 500) };
    }
    return { kind: 'answered', beforeMs: random.between(0, 600), afterMs: random.between(0, 600) };
  }

  #storeOf(memberId: string, { store, clock, gate }: { store: FaultyStore; clock: Clock; gate: Gate }): Store {
    const note = (event: Untimed<ChaosEvent>) => this.#note(event);
    const beat = async (row: MemberRow) => {
      const [beganMs, beganOwnMs] = [this.clock.monotonicMs(), clock.monotonicMs()];
      if (row.state !== 'active') note({ kind: 'leaving', member: memberId });
      await store.roster.beat(row);
      gate.pass(() => note({ kind: 'beat', member: memberId, beganMs, beganOwnMs }));
    };
    const claim = async (bucket: number, claims: readonly Claim[]): Promise<ClaimResult[]> => {
      const beganOwnMs = clock.monotonicMs();
      const results = await store.states.claim(bucket, claims);
      for (const [index, { versionId, token, wanted }] of claims.entries()) {
        if (results[index]?.outcome !== 'applied') continue;
        note({ kind: 'claimed', member: memberId, versionId, token, wanted, beganOwnMs });
      }
      return results;
    };
    const renew: Store['duties']['renew'] = async (held) => {
      const swap = await store.duties.renew(held);
      if (swap.outcome === 'lost') gate.pass(() => note({ kind: 'duty-refused', member: memberId, token: held.token }));
      return swap;
    };
    const enrol: Store['catalogue']['enrol'] = async (bucket, rows, options) => {
      for (const { discoveryToken } of rows) note({ kind: 'enrolled', member: memberId, token: discoveryToken });
      await store.catalogue.enrol(bucket, rows, options);
    };
    return {
      roster: gate.guard({ beat, list: () => store.roster.list() }),
      duties: gate.guard({
        read: (duty, floor) => store.duties.read(duty, floor),
        take: (observed, next) => store.duties.take(observed, next),
        renew,
        release: (held) => store.duties.release(held),
      }),
      catalogue: gate.guard({ enrol, read: (buckets) => store.catalogue.read(buckets) }),
      states: gate.guard({
        claim,
        read: (buckets) => store.states.read(buckets),
        readOne: (bucket, versionId) => store.states.readOne(bucket, versionId),
        settle: (bucket, settlements) => store.states.settle(bucket, settlements),
        forget: (bucket, versionId, token) => store.states.forget(bucket, versionId, token),
      }),
      ledger: gate.guard(store.ledger),
      controls: gate.guard(store.controls),
      agree: (layout) => store.agree(layout),
      readLayout: () => store.readLayout(),
      ping: () => store.ping(),
      close: () => store.close(),
    };
  }

  #readerOf(memberId: string, { signals, clock }: { signals: ScriptedSignals; clock: MachineClock }): SignalReader {
    const lag = async (signal: AbortSignal | undefined) => {
      const { readMs } = this.weather;
      if (readMs > 0) await sleep(clock, this.random.between(0, readMs), signal);
    };
    return {
      plan: () => signals.plan(),
      read: async (part, options) => {
        await lag(options.signal);
        const readings = await signals.read(part, options);
        const sound = new Set<string>();
        const { instances, utilisation } = readings[0] ?? {};
        if (instances?.state === 'read' && utilisation?.state === 'read') {
          const shown = new Set(instances.versionIds);
          for (const versionId of utilisation.versionIds) if (shown.has(versionId)) sound.add(versionId);
        }
        this.#note({ kind: 'read', member: memberId, sound });
        return readings;
      },
      backfill: async (_part, options) => {
        await lag(options.signal);
        return signals.backfill();
      },
      discover: async (part, options) => {
        await lag(options.signal);
        return signals.discover(part);
      },
      probe: async (options) => {
        await lag(options.signal);
        if (signals.state === 'failed') throw new Error('the time-series store does not answer');
        return { skewMs: clock.wallOffsetMs, flavour: 'prometheus' };
      },
    };
  }

  #actuatorOf(memberId: string, clock: MachineClock): Actuator {
    const { controlPlane, random } = this;
    return {
      strength: controlPlane.strength,
      isDryRun: (version) => controlPlane.isDryRun(version),
      admit: async (signal) => {
        signal?.throwIfAborted();
        if (this.weather.controlPlane !== 'throttled') return;
        if (random.isLucky(0.3)) throw new NotAdmitted('the control plane asked for a pause', 1_000);
        await sleep(clock, random.between(0, 4_000), signal);
      },
      actuate: async (wish, { deadlineMs }) => {
        const { versionId, token, wanted } = wish;
        const standing = this.countOf(versionId);
        const ownMs = clock.monotonicMs();
        this.#note({ kind: 'sent', member: memberId, versionId, token, wanted, ownMs, standing });
        return await this.#undergo(wish, { clock, leftMs: Math.min(2_500, deadlineMs - ownMs) });
      },
    };
  }

  /** The way of a wish: it arrives sooner, later or never, and so does the answer. */
  async #undergo(wish: Wish, { clock, leftMs }: { clock: Clock; leftMs: number }): Promise<Actuation> {
    const { random } = this;
    const unknown = anActuation({ outcome: 'unknown', status: undefined });
    switch (this.weather.controlPlane) {
      case 'well':
      case 'throttled':
        return this.#accept(wish);
      case 'slow': {
        const arriveMs = random.between(0, random.isLucky(0.2) ? 20_000 : 2_000);
        const answerMs = arriveMs + random.between(0, 1_500);
        const answer = new Promise<Actuation>((resolve) => {
          this.clock.after(arriveMs, () => {
            const accepted = this.#accept(wish);
            this.clock.after(answerMs - arriveMs, () => resolve(accepted));
          });
        });
        return Promise.race([answer, sleep(clock, leftMs).then(() => unknown)]);
      }
      case 'silent': {
        if (random.isLucky(0.5)) this.clock.after(random.between(0, 10_000), () => this.#accept(wish));
        await sleep(clock, leftMs);
        return unknown;
      }
      case 'failing':
        return anActuation({ outcome: 'failed', status: 503 });
      case 'refusing':
        return anActuation({ outcome: 'refused', status: 404, isGone: random.isLucky(0.1) });
    }
  }

  #accept(wish: Wish): Actuation {
    const answer = this.controlPlane.accept(wish);
    if (answer.outcome !== 'applied') return answer;
    const { versionId, token, wanted } = wish;
    this.#note({ kind: 'accepted', versionId, token, wanted });
    this.clock.after(this.random.between(0, 8_000), () => {
      const version = this.versions.get(versionId);
      if (!this.doInstancesFollow || !version || this.controlPlane.counts.get(versionId) !== wanted) return;
      version.instances = wanted;
      this.show(versionId);
    });
    return answer;
  }
}
