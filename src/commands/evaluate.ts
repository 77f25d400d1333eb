import type { Command } from 'commander';
import type { LoadedConfig } from '../config/load-config.ts';
import type { ActiveVersion } from '../domain/active-version.ts';
import { BUCKET_COUNT } from '../domain/bucket.ts';
import type { Decision } from '../domain/decision.ts';
import { partShows } from '../domain/part.ts';
import { tellReason } from '../domain/tell.ts';
import { showReasons, showSamples, showTime } from '../http/admin/show.ts';
import { readMemo } from '../loops/scale/memo.ts';
import { Observer } from '../loops/scale/observe.ts';
import { situate } from '../loops/scale/situate.ts';
import { track } from '../loops/scale/tracked.ts';
import type { Store } from '../ports/store.ts';
import { decide } from '../scaling/decide.ts';
import { History } from '../scaling/history.ts';
import { autoscalerSettings } from './autoscaler-settings.ts';
import { addConfigFlags, configOf } from './config-flags.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { findVersion } from './find-version.ts';
import { addOutputFlag, type OutputFormat, printAs, withTools } from './look.ts';
import { openControlPlane } from './open-control-plane.ts';
import { type OpenStoreTools, openStore } from './open-store.ts';
import { openTimeseries } from './open-timeseries.ts';

/** `starling evaluate`: one decision from real signals, with everything it was made from. Writes nothing. */
export function declareEvaluateCommand(program: Command, end: (code: ExitCode) => void): void {
  const command = program
    .command('evaluate')
    .description('decide for one function version from its real signals, and write nothing')
    .argument('<function-version>', 'the version id');
  addOutputFlag(addConfigFlags(command)).action(async (versionId: string) => {
    const { output } = command.opts<{ output: OutputFormat }>();
    const loaded = configOf(command);
    await withTools(loaded, async (tools, signal) => {
      const store = await openStore(loaded.config, tools);
      try {
        const version = await findVersion(store, versionId, {
          isPlacedByLabel: loaded.config.timeseries.bucketLabel !== undefined,
        });
        if (!version) {
          process.stderr.write(
            `${versionId} is no active function version. Is the id right, is the discovery loop running, and do its metrics reach the store? starling doctor looks.\n`,
          );
          end(EXIT.checkFalse);
          return;
        }
        const decision = await evaluate(version, { loaded, store, tools, signal });
        printAs(output, show(version, decision), () => tell(version, decision));
        end(EXIT.ok);
      } finally {
        await store.close();
      }
    });
  });
}

async function evaluate(
  version: ActiveVersion,
  { loaded, store, tools, signal }: { loaded: LoadedConfig; store: Store; tools: OpenStoreTools; signal: AbortSignal },
): Promise<Decision> {
  const { config } = loaded;
  const settings = autoscalerSettings(config);
  const { reader } = await openTimeseries(config, tools);
  const { targets } = openControlPlane(config, tools);
  const grid = { stepMs: settings.stepMs, lookBackMs: settings.lookBackMs };
  const observer = new Observer({
    utilisation: new History(grid),
    demand: new History(grid),
    switchProfileAfterMs: settings.profilePatienceMs,
  });
  const tracked = track(version);
  const nowMs = tools.clock.wallMs();
  const part = reader
    .plan({ buckets: [version.bucket], versions: 1, bucketCount: BUCKET_COUNT })
    .find((each) => partShows(each, version));
  if (!part) throw new Error(`no part of the plan shows ${version.versionId}`);
  const [states, controls, readings] = await Promise.all([
    store.states.read([version.bucket]),
    store.controls.list(nowMs),
    reader.read(part, { signal }),
    targets.refresh([version], signal),
  ]);
  const state = states.find((each) => each.versionId === version.versionId);
  if (state) Object.assign(tracked, { state, ...readMemo(state.memo, nowMs) });
  const look = observer.take(readings);
  look(tracked, nowMs);
  const { lookBackMs, stepMs, idleMs } = settings;
  observer.prefill(tracked, await reader.backfill(part, { lookBackMs, stepMs, idleMs, signal }), { nowMs, idleMs });
  return decide(
    situate(
      tracked,
      {
        signals: look(tracked, nowMs),
        target: targets.get(version.versionId),
        controls: controls.filter((control) => 'versionId' in control && control.versionId === version.versionId),
        isFleetFrozen: false,
        hindrance: undefined,
        nowMs,
      },
      {
        settings: settings.deciding,
        defaultPolicy: settings.defaultPolicy,
        targetStaleAfterMs: settings.targetStaleAfterMs,
      },
    ),
  ).decision;
}

function show(version: ActiveVersion, decision: Decision) {
  const { signals } = decision;
  return {
    versionId: version.versionId,
    functionId: version.functionId,
    account: version.account,
    at: showTime(decision.atMs),
    verdict: decision.verdict,
    previous: decision.previous ?? null,
    wanted: decision.wanted ?? null,
    actual: decision.actual ?? null,
    policy: decision.policy,
    reasons: showReasons(decision.reasons),
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

function tell(version: ActiveVersion, decision: Decision): string {
  const { signals, verdict, previous, wanted, actual } = decision;
  const samples = (list: readonly { value: number }[]) =>
    list.map(({ value }) => Number(value.toFixed(1))).join(' ') || 'none';
  return [
    `${version.versionId}: ${verdict} ${previous ?? '?'} -> ${wanted ?? '?'} (running: ${actual ?? '?'})`,
    `by ${decision.policy}`,
    ...decision.reasons.map((reason) => `  - ${tellReason(reason)}`),
    `signals by ${signals.profile ?? 'no profile'}:`,
    `  utilisation % (${signals.utilisation.quality}): ${samples(signals.utilisation.samples)}`,
    `  demand (${signals.demand.quality}): ${samples(signals.demand.samples)}`,
    `  instances (${signals.instances.quality}): ${signals.instances.value ?? 'none'}`,
    `  last call (${signals.invocation.quality}): ${showTime(signals.invocation.lastMs) ?? 'none seen'}`,
    'nothing was written',
  ].join('\n');
}
