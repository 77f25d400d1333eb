import { rightsLacking } from '../../adapters/kubernetes/review-rights.ts';
import type { LoadedConfig } from '../../config/load-config.ts';
import type { FunctionVersion } from '../../domain/function-version.ts';
import type { ConnectionTools } from '../../wiring/connection-tools.ts';
import { openKubernetes } from '../../wiring/open-kubernetes.ts';
import type { CheckResult, Examination } from './examination.ts';

const area = 'control-plane';
const RIGHTS = 'docs/kubernetes-control-plane.md has the Role; the chart makes it with controlPlane.kubernetes.enabled';
/** No more findings of one sort than this are shown. */
const SHOWN_MAX = 20;

/** Reads, asks for its rights, and scales nothing. */
export async function examineKubernetes(
  loaded: LoadedConfig,
  tools: ConnectionTools,
  examination: Examination,
  { versions }: { versions: readonly FunctionVersion[] },
): Promise<void> {
  const { config } = loaded;
  const { access, client, view, targets, close } = openKubernetes(config, tools);
  try {
    const found = await examination.check(
      { area, what: 'credentials', mendOf: () => 'check controlPlane.kubernetes' },
      () => access.current(),
      ({ credentials }) => ({ detail: `${credentials.server}, by ${credentials.token ? 'token' : 'certificate'}` }),
    );
    if (!found) return;
    await examination.check(
      { area, what: 'finds workloads', mendOf: () => RIGHTS },
      (signal) => targets.refresh(versions, signal),
      ({ ok, detail }): CheckResult => {
        if (!ok) return { state: 'bad', detail, mend: RIGHTS };
        if (view.index.size > 0) return { detail: `${view.index.size} with a function version` };
        const mend = 'label Deployments and StatefulSets with starling.dev/function-version';
        return { state: 'doubtful', detail: 'none has a function version', mend };
      },
    );
    for (const detail of view.troubles().slice(1, SHOWN_MAX)) {
      examination.find({ area, what: 'finds workloads', state: 'bad', detail, mend: RIGHTS });
    }
    for (const namespace of (await view.namespaces()) ?? [undefined]) {
      const place = namespace === undefined ? 'all namespaces' : `namespace ${namespace}`;
      await examination.check(
        { area, what: `may scale in ${place}`, mendOf: () => RIGHTS },
        (signal) => rightsLacking(client, { namespace, signal }),
        (lacking): CheckResult => {
          if (lacking.length === 0) return { detail: 'it may read and patch Deployments and StatefulSets' };
          return { state: 'bad', detail: `it may not ${lacking.join(', ')} in ${place}`, mend: RIGHTS };
        },
      );
    }
    const barred = [...view.index.all()].flatMap((workload) => {
      const answer = view.find({ versionId: workload.versionId });
      return answer.state === 'barred' || answer.state === 'unseen' ? [{ workload, detail: answer.detail }] : [];
    });
    for (const { workload, detail } of barred.slice(0, SHOWN_MAX)) {
      const [about, mend] = [detail.slice(0, detail.lastIndexOf(': ')), detail.slice(detail.lastIndexOf(': ') + 2)];
      examination.find({ area, what: workload.versionId, state: 'doubtful', detail: about, mend });
    }
    for (const { versionId } of versions.slice(0, SHOWN_MAX)) {
      if (targets.get(versionId).state !== 'gone') continue;
      const mend = `label the Deployment or StatefulSet that runs it with starling.dev/function-version=${versionId}`;
      examination.find({ area, what: versionId, state: 'doubtful', detail: 'no workload says that it runs it', mend });
    }
  } finally {
    close();
  }
  const detail = 'the API server refuses writes that did not see the last token';
  examination.find({ area, what: 'fencing', state: 'good', detail });
  if (config.controlPlane.dryRun) {
    const mend = 'unset controlPlane.dryRun to act';
    examination.find({ area, what: 'dry run', state: 'doubtful', detail: 'nothing is sent', mend });
  }
}
