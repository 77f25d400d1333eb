import type { LoadedConfig } from '../../config/load-config.ts';
import type { FunctionVersion } from '../../domain/function-version.ts';
import type { ConnectionTools } from '../../wiring/connection-tools.ts';
import { openHttpControlPlane } from '../../wiring/open-control-plane.ts';
import type { CheckResult, Examination } from './examination.ts';
import { examineKubernetes } from './examine-kubernetes.ts';

const area = 'control-plane';
/** Versions asked of it: enough to see that it answers. */
const VERSIONS_ASKED = 3;

/** Reads, and sends no wish. */
export async function examineControlPlane(
  loaded: LoadedConfig,
  tools: ConnectionTools,
  examination: Examination,
  { versions }: { versions: readonly FunctionVersion[] },
): Promise<void> {
  const { controlPlane: options } = loaded.config;
  if (options.kind === 'kubernetes') return examineKubernetes(loaded, tools, examination, { versions });
  const asked = versions.slice(0, VERSIONS_ASKED);
  const controlPlane = await examination.check(
    { area, what: 'credentials', mendOf: () => 'check controlPlane.auth and controlPlane.tls' },
    async () => openHttpControlPlane(loaded.config, tools),
    () => ({ detail: options.auth.kind === 'none' ? 'none are configured' : options.auth.kind }),
  );
  if (!controlPlane) return;
  const { targets } = controlPlane;
  try {
    await examination.check(
      { area, what: 'tells bounds and policies', mendOf: () => MEND },
      (signal) => targets.refresh(asked, signal),
      ({ ok, detail }): CheckResult => {
        if (!ok) return { state: 'bad', detail, mend: MEND };
        const { mode, known } = targets.status();
        if (mode === 'bulk') return { detail: `${options.url}, in pages` };
        // Without pages it is asked version by version, so without a version nothing was asked.
        if (asked.length === 0) return { state: 'doubtful', ...UNASKED };
        if (known > 0) return { detail: `${options.url}, one by one` };
        return { state: 'bad', detail: `${options.url} knows none of the versions asked for`, mend: STRANGER };
      },
    );
    for (const { versionId } of asked) {
      const answer = targets.get(versionId);
      if (answer.state === 'known') continue;
      const detail = answer.state === 'gone' ? 'the control plane does not know it' : answer.detail;
      examination.find({ area, what: versionId, state: 'doubtful', detail, mend: STRANGER });
    }
  } finally {
    controlPlane.close();
  }
  const isFenced = options.fencing === 'fenced';
  examination.find({
    area,
    what: 'fencing',
    state: isFenced ? 'good' : 'doubtful',
    detail: isFenced ? 'it is said to check tokens' : 'it is said to ignore tokens: order is healed, not promised',
    mend: isFenced ? undefined : 'docs/control-plane-contract.md says what checking takes',
  });
  if (options.dryRun) {
    const mend = 'unset controlPlane.dryRun to act';
    examination.find({ area, what: 'dry run', state: 'doubtful', detail: 'nothing is sent', mend });
  }
}

const MEND = 'check controlPlane.url (the part before /v1 and /v2), controlPlane.auth, and that it answers JSON';
const STRANGER = 'is it the control plane of these metrics?';
const UNASKED = {
  detail: 'it offers no pages, and no function version is known to ask for: nothing could be checked',
  mend: 'check controlPlane.url; look again once versions are discovered',
};
