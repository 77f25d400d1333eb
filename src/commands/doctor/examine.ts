import type { LoadedConfig } from '../../config/load-config.ts';
import { withTools } from '../../wiring/read-only-tools.ts';
import { Examination, type ExaminationOptions } from './examination.ts';
import { examineControlPlane } from './examine-control-plane.ts';
import { examineStore } from './examine-store.ts';
import { examineTimeseries } from './examine-timeseries.ts';
import type { Area } from './finding.ts';

const ALLOWED = 'this is allowed; docs/configuration.md says what is better';

/** Looks at everything that the autoscaler stands on, in the order in which it needs it. */
export function examine(
  loaded: LoadedConfig,
  { areas, ...options }: Pick<ExaminationOptions, 'onFinding' | 'onBegin'> & { areas: ReadonlySet<Area> },
): Promise<void> {
  return withTools(loaded, async (tools, signal) => {
    const examination = new Examination({ clock: tools.clock, signal, ...options });
    examination.find({ area: 'configuration', what: 'valid', state: 'good', detail: `hash ${loaded.hash}` });
    for (const detail of loaded.warnings)
      examination.find({ area: 'configuration', what: 'warning', state: 'doubtful', detail, mend: ALLOWED });
    const enrolled = areas.has('store') ? await examineStore(loaded, tools, examination) : [];
    const discovered = areas.has('timeseries')
      ? await examineTimeseries(loaded, tools, examination, { versionsKnown: enrolled.length })
      : [];
    if (!areas.has('control-plane')) return;
    const versions = enrolled.length > 0 ? enrolled : discovered;
    await examineControlPlane(loaded, tools, examination, { versions });
  });
}
