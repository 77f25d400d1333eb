import type { LoadedConfig } from '../../config/load-config.ts';
import type { ActiveVersion } from '../../domain/active-version.ts';
import type { Decision } from '../../domain/decision.ts';
import type { FunctionState } from '../../domain/function-state.ts';
import type { Part } from '../../domain/part.ts';
import { showDecision, showSamples, showTime } from '../../http/admin/show.ts';
import { skewReason } from '../../loops/scale/clock-skew.ts';
import { GAP_MS } from '../../loops/scale/learn.ts';
import { readMemo } from '../../loops/scale/memo.ts';
import { Observer } from '../../loops/scale/observe.ts';
import { situationOf } from '../../loops/scale/situation-of.ts';
import { type Tracked, track } from '../../loops/scale/tracked.ts';
import type { Backfill, ProfileReading } from '../../ports/signal-reader.ts';
import type { Store } from '../../ports/store.ts';
import { decide } from '../../scaling/decide.ts';
import { decidingSettings } from '../../scaling/deciding-settings.ts';
import type { ConnectionTools } from '../../wiring/connection-tools.ts';
import { findVersion } from '../../wiring/find-version.ts';
import { openControlPlane } from '../../wiring/open-control-plane.ts';
import { openTimeseries } from '../../wiring/open-timeseries.ts';
import { withExistingStore, withTools } from '../../wiring/read-only-tools.ts';

export interface Evaluation {
  readonly version: ActiveVersion;
  readonly decision: Decision;
  /** What the time-series store complained of; empty when it answered everything. */
  readonly complaints: readonly string[];
}

/** What would be decided for a version now, and the same as a document; undefined when it is no active one. */
export async function evaluate(
  loaded: LoadedConfig,
  versionId: string,
): Promise<{ evaluation: Evaluation; document: object } | undefined> {
  const isPlacedByLabel = loaded.config.timeseries.bucketLabel !== undefined;
  return withTools(loaded, (tools, signal) =>
    withExistingStore(loaded.config, tools, async (store) => {
      const version = await findVersion(store, versionId, { isPlacedByLabel });
      if (!version) return undefined;
      const evaluation = await decideFor(version, { loaded, store, tools, signal });
      return { evaluation, document: show(evaluation) };
    }),
  );
}

async function decideFor(
  version: ActiveVersion,
  context: { loaded: LoadedConfig; store: Store; tools: ConnectionTools; signal: AbortSignal },
): Promise<Evaluation> {
  const { store, tools, signal } = context;
  const { config } = context.loaded;
  // One look cannot tell low load from fading load: what is asked for here is what the load as it is would bring.
  const deciding = decidingSettings({ ...config.scaling, fadeMs: 0 });
  const { lookBackMs, stepMs } = config.scaling;
  const idleMs = config.defaultPolicy.idleTimeoutSeconds * 1000;
  const { client, reader } = await openTimeseries(config, tools);
  const controlPlane = openControlPlane(config, tools);
  try {
    // Rejects when the store does not answer: "absent" would be the wrong word for that.
    const { skewMs } = await reader.probe({ signal });
    const nowMs = tools.clock.wallMs();
    // The whole fleet is not read for the sake of one version: an id is a prefix of itself.
    const part: Part = { name: 'one version', buckets: undefined, prefixes: [version.versionId] };
    const [states, controls, readings, pasts] = await Promise.all([
      store.states.read([version.bucket]),
      store.controls.list(nowMs),
      reader.read(part, { signal }),
      reader.backfill(part, { lookBackMs, stepMs, idleMs, gapMs: GAP_MS, signal }),
      controlPlane.targets.refresh([version], signal),
    ]);
    const observer = new Observer(config);
    const tracked = recollect(version, { states, nowMs, firstCycles: deciding.firstCycles });
    const look = observer.take(readings);
    // Which past is wanted is known once the profile is.
    look(tracked, nowMs);
    observer.prefill(tracked, pasts, { nowMs, idleMs });
    const situation = situationOf(
      tracked,
      {
        signals: look(tracked, nowMs),
        target: controlPlane.targets.get(version.versionId),
        controls: controls.filter((control) => 'versionId' in control && control.versionId === version.versionId),
        isFleetFrozen: false,
        blockedBy: skewReason(skewMs, config),
        nowMs,
      },
      { ...config, deciding },
    );
    return { version, decision: decide(situation).decision, complaints: complaintsOf(readings, pasts) };
  } finally {
    client.close();
    controlPlane.close();
  }
}

/** The version as a replica would know it that has had it for a while: that a new one lowers nothing is left out. */
function recollect(
  version: ActiveVersion,
  { states, nowMs, firstCycles }: { states: readonly FunctionState[]; nowMs: number; firstCycles: number },
): Tracked {
  const tracked = track(version);
  const state = states.find((each) => each.versionId === version.versionId);
  if (state) Object.assign(tracked, { state, ...readMemo(state.memo, nowMs) });
  const cycles = Math.max(firstCycles, tracked.memory.cycles);
  return Object.assign(tracked, { isStateRead: true, isPastKnown: true, memory: { ...tracked.memory, cycles } });
}

function complaintsOf(readings: readonly ProfileReading[], pasts: readonly Backfill[]): string[] {
  const columns = readings.flatMap(({ utilisation, demand, instances, invocation }) => [
    utilisation,
    demand,
    instances,
    invocation,
  ]);
  const failed = [...columns, ...pasts].filter((read) => read && read.state !== 'read');
  return [...new Set(failed.map((read) => read?.detail ?? ''))].filter((detail) => detail !== '');
}

function show({ version, decision, complaints }: Evaluation) {
  const { signals } = decision;
  return {
    versionId: version.versionId,
    functionId: version.functionId,
    account: version.account,
    ...showDecision(decision),
    complaints,
    signals: {
      profile: signals.profile ?? null,
      instances: { quality: signals.instances.quality, value: signals.instances.value ?? null },
      utilisation: { quality: signals.utilisation.quality, samples: showSamples(signals.utilisation.samples) },
      demand: { quality: signals.demand.quality, samples: showSamples(signals.demand.samples) },
      invocation: {
        quality: signals.invocation.quality,
        lastAt: showTime(signals.invocation.lastMs),
        watchedSince: showTime(signals.invocation.watchedSinceMs),
      },
    },
  };
}
