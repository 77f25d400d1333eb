import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FunctionVersion } from '../../../src/domain/function-version.ts';
import type { Seen } from '../../support/kubernetes/api-front.ts';
import { collectionOf, pathOf, scalerOf } from '../../support/kubernetes/cluster-hand.ts';
import type { StarlingClient } from '../../support/kubernetes/starling-client.ts';
import { type ApiServer, KubernetesHarness } from './kubernetes-harness.ts';

const isPatch = ({ method }: Seen) => method === 'PATCH';
const TOKEN = 'starling.dev/fencing-token';
const SCALERS = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers';
const overloaded = { kind: 'Status', code: 429, reason: 'TooManyRequests', message: 'too many requests' };

/** What the adapter does with an API server, and what the API server must do for that. */
export function kubernetesContract(name: string, startServer: () => Promise<ApiServer>): void {
  describe(`the Kubernetes adapter: ${name}`, () => {
    let harness: KubernetesHarness;
    let starling: StarlingClient;
    beforeAll(async () => {
      harness = await KubernetesHarness.start(await startServer());
      starling = harness.client();
    }, 180_000);
    afterEach(() => harness.front.calm());
    afterAll(() => harness?.stop());

    const made = async (seed: Parameters<KubernetesHarness['make']>[0] = {}) => {
      const it = await harness.make(seed);
      await starling.knows(it.version);
      return it;
    };
    const read = (path: string) => harness.hand.must('GET', path);
    const barred = async (version: FunctionVersion) => {
      await starling.targets.refresh([version]);
      await starling.until('it is told why', () => starling.targets.get(version.versionId).state === 'barred');
      const told = starling.targets.get(version.versionId);
      return told.state === 'barred' ? told.detail : told.state;
    };

    describe('finding', () => {
      it.each(['Deployment', 'StatefulSet'] as const)('reads bounds, policy and counts of a %s', async (kind) => {
        const { version, path } = await made({
          kind,
          replicas: 3,
          annotations: {
            'starling.dev/min-instances': '2',
            'starling.dev/max-instances': '9',
            'starling.dev/concurrency': '4',
            'starling.dev/policy': '{kind: target, target: 0.5}',
          },
        });
        await harness.hand.merge(`${path}/status`, {
          status: { observedGeneration: 1, replicas: 3, readyReplicas: 2, updatedReplicas: 3 },
        });
        await starling.until('its status is told', () => {
          const told = starling.targets.get(version.versionId);
          return told.state === 'known' && told.target.instancesActive === 2;
        });
        expect(starling.targets.get(version.versionId)).toMatchObject({
          state: 'known',
          target: {
            ...version,
            name: path.replace(/^.*\/namespaces\/([^/]+)\/[^/]+\/([^/]+)$/, '$1/$2'),
            status: 'ACTIVE',
            instancesMin: 2,
            instancesMax: 9,
            concurrency: 4,
            policy: { kind: 'target', target: 0.5 },
            instancesActive: 2,
            instancesPending: 1,
          },
        });
      });

      it('does not know counts that no controller has told', async () => {
        const { version } = await made();
        expect(starling.targets.get(version.versionId)).toMatchObject({
          target: { instancesActive: undefined, instancesPending: undefined },
        });
      });

      it('keeps one target object while nothing changed, and hears of changes without asking', async () => {
        const { version, path } = await made();
        const targetNow = () => {
          const told = starling.targets.get(version.versionId);
          return told.state === 'known' ? told.target : undefined;
        };
        const before = targetNow();
        expect(targetNow()).toBe(before);
        harness.front.seen.length = 0;
        await harness.hand.merge(path, { metadata: { annotations: { 'starling.dev/max-instances': '7' } } });
        await starling.until('the new bound', () => targetNow()?.instancesMax === 7);
        expect(harness.front.seen).toEqual([]);
      });

      it('takes an id that no label can carry from the annotation', async () => {
        const versionId = `${'long '.repeat(30)}"quoted"/Größe`;
        const seed = { name: harness.name(), versionId: 'marked' };
        const { version } = await harness.make({
          ...seed,
          annotations: { 'starling.dev/function-version': versionId },
        });
        await starling.knows({ ...version, versionId });
        expect(await starling.actuate({ ...version, versionId }, 4, 1n)).toMatchObject({ outcome: 'applied' });
      });

      it('sees that a version is gone: its label taken away, or deleted', async () => {
        const [one, other] = [await made(), await made()];
        await harness.hand.merge(one.path, { metadata: { labels: { 'starling.dev/function-version': null } } });
        await harness.hand.must('DELETE', other.path);
        for (const { version } of [one, other]) {
          await starling.until('it is gone', () => starling.targets.get(version.versionId).state === 'gone');
          expect(await starling.actuate(version, 1, 1n)).toMatchObject({ outcome: 'refused', isGone: true });
        }
      });

      it('does nothing while it is switched off', async () => {
        const { version, path } = await made({ annotations: { 'starling.dev/scaling': 'off' } });
        expect(starling.targets.get(version.versionId)).toMatchObject({ target: { status: 'INACTIVE' } });
        expect(await starling.actuate(version, 5, 1n)).toMatchObject({
          outcome: 'refused',
          detail: expect.stringContaining('set it to on'),
        });
        expect((await read(path)).spec.replicas).toBe(1);
      });

      it.each<[string, Record<string, string | undefined>, string]>([
        [
          'no upper bound',
          { 'starling.dev/max-instances': undefined },
          'has no annotation starling.dev/max-instances: add',
        ],
        [
          'a bound that is no number',
          { 'starling.dev/max-instances': 'many' },
          'starling.dev/max-instances is "many": give',
        ],
        [
          'inverted bounds',
          { 'starling.dev/min-instances': '21' },
          '(21) is more than its starling.dev/max-instances (20)',
        ],
        ['a policy of no kind', { 'starling.dev/policy': '{kind: magic}' }, "give 'steps' or 'target'"],
        ['a policy that is no document', { 'starling.dev/policy': '{{' }, 'neither JSON nor YAML'],
        ['a token that is none', { [TOKEN]: 'abc' }, 'is no token: remove that annotation'],
        ['another function', { 'starling.dev/function': 'not-it' }, 'make them the same'],
      ])('refuses a workload with %s, and says what to do', async (_, annotations, says) => {
        const { version, path, seed } = await harness.make({ annotations });
        const detail = await barred(version);
        expect(detail).toContain(says);
        expect(detail).toContain(`Deployment default/${seed.name}`);
        expect(await starling.actuate(version, 5, 1n)).toMatchObject({ outcome: 'refused', detail });
        expect((await read(path)).spec.replicas).toBe(1);
      });

      it('refuses two workloads that say the same, until one no longer does', async () => {
        const versionId = harness.name();
        const one = await harness.make({ name: `${versionId}-a`, versionId });
        const other = await harness.make({ name: `${versionId}-b`, versionId, kind: 'StatefulSet' });
        await starling.until('both are seen', () => starling.view.index.ofVersion(versionId).length === 2);
        expect(await barred(one.version)).toContain(
          'both say that they run it: keep starling.dev/function-version on one',
        );
        expect(await starling.actuate(one.version, 5, 1n)).toMatchObject({ outcome: 'refused', isGone: false });
        await harness.hand.must('DELETE', other.path);
        await starling.knows(one.version);
        expect(await starling.actuate(one.version, 5, 1n)).toMatchObject({ outcome: 'applied' });
      });

      it('refuses what a HorizontalPodAutoscaler scales, while it does', async () => {
        const { seed, version, path } = await made();
        const scaler = harness.name();
        await harness.hand.must('POST', SCALERS, scalerOf(scaler, seed));
        const detail = await barred(version);
        expect(detail).toContain(
          `Deployment default/${seed.name} is scaled by HorizontalPodAutoscaler default/${scaler}`,
        );
        expect(await starling.actuate(version, 5, 1n)).toMatchObject({ outcome: 'refused', detail });
        expect((await read(path)).spec.replicas).toBe(1);
        await harness.hand.must('DELETE', `${SCALERS}/${scaler}`);
        await starling.knows(version);
        expect(await starling.actuate(version, 5, 1n)).toMatchObject({ outcome: 'applied' });
      });
    });

    describe('writing', () => {
      it('changes replicas and its own marks in one write, and nothing else', async () => {
        const { version, path } = await made();
        const before = await read(path);
        expect(await starling.actuate(version, 5, 77n)).toMatchObject({ outcome: 'applied', status: 200 });
        const after = await read(path);
        expect(after.spec).toEqual({ ...before.spec, replicas: 5 });
        expect(after.metadata.annotations).toEqual({
          ...before.metadata.annotations,
          [TOKEN]: '77',
          'starling.dev/wanted': '5',
        });
        expect(after.metadata.labels).toEqual(before.metadata.labels);
        expect(harness.front.seen.filter(isPatch)).toHaveLength(1);
      });

      it('is refused by the API server itself when somebody wrote after it looked', async () => {
        const { version, path } = await made();
        const old = await read(path);
        expect(await starling.actuate(version, 5, 20n)).toMatchObject({ outcome: 'applied' });
        // The very write that an older writer would send who looked before and stood still.
        const stale = {
          metadata: { resourceVersion: old.metadata.resourceVersion, annotations: { [TOKEN]: '19' } },
          spec: { replicas: 1 },
        };
        const refused = await harness.hand.ask<{ reason: string }>(
          'PATCH',
          path,
          stale,
          'application/merge-patch+json',
        );
        expect(refused).toMatchObject({ status: 409, body: { kind: 'Status', reason: 'Conflict' } });
        expect(await read(path)).toMatchObject({ spec: { replicas: 5 }, metadata: { annotations: { [TOKEN]: '20' } } });
      });

      it('is fenced when a newer writer came between its look and its write', async () => {
        const { version, path } = await made();
        const newer = harness.client();
        await newer.knows(version);
        let isFirst = true;
        harness.front.before = async (seen) => {
          if (!isPatch(seen) || !isFirst) return;
          isFirst = false;
          expect(await newer.actuate(version, 9, 50n)).toMatchObject({ outcome: 'applied' });
        };
        expect(await starling.actuate(version, 2, 49n)).toMatchObject({ outcome: 'fenced', storedToken: 50n });
        expect((await read(path)).spec.replicas).toBe(9);
      });

      it('looks again when a controller or a person wrote in between, and then writes', async () => {
        const { version, path } = await made();
        let left = 3;
        harness.front.before = async (seen) => {
          if (!isPatch(seen) || left-- <= 0) return;
          await harness.hand.merge(path, { metadata: { annotations: { note: `${left}` } } });
        };
        expect(await starling.actuate(version, 6, 5n)).toMatchObject({ outcome: 'applied' });
        expect(await read(path)).toMatchObject({ spec: { replicas: 6 }, metadata: { annotations: { note: '0' } } });
      });

      it('gives up on a workload that never stands still', async () => {
        const { version, path } = await made();
        let round = 0;
        harness.front.before = async (seen) => {
          if (isPatch(seen)) await harness.hand.merge(path, { metadata: { annotations: { note: `${round++}` } } });
        };
        expect(await starling.actuate(version, 6, 5n)).toMatchObject({
          outcome: 'failed',
          detail: expect.stringContaining('written by others all the time'),
        });
        expect((await read(path)).spec.replicas).toBe(1);
      });

      it('puts right what a person changed, under its next token', async () => {
        const { version, path } = await made();
        await starling.actuate(version, 6, 5n);
        await harness.hand.merge(path, { spec: { replicas: 2 } });
        // The old wish was written; that somebody changed it since is for the next decision.
        expect(await starling.actuate(version, 6, 5n)).toMatchObject({ outcome: 'applied' });
        expect((await read(path)).spec.replicas).toBe(2);
        expect(await starling.actuate(version, 6, 6n)).toMatchObject({ outcome: 'applied' });
        expect((await read(path)).spec.replicas).toBe(6);
      });

      it('does not write to a new workload of the same name as if it were the old', async () => {
        const { seed, version, path } = await made();
        let isFirst = true;
        harness.front.before = async (seen) => {
          if (!isPatch(seen) || !isFirst) return;
          isFirst = false;
          await harness.hand.must('DELETE', path);
          await harness.make({ ...seed, versionId: 'somebody-else' });
        };
        expect(await starling.actuate(version, 6, 5n)).toMatchObject({ outcome: 'refused', isGone: true });
        expect((await read(path)).spec.replicas).toBe(1);
      });
    });

    describe('trouble', () => {
      it('knows that a wish was written although its answer was lost', async () => {
        const { version, path } = await made();
        harness.front.script(isPatch, { kind: 'lost' });
        expect(await starling.actuate(version, 6, 5n)).toMatchObject({ outcome: 'applied' });
        expect(await read(path)).toMatchObject({ spec: { replicas: 6 }, metadata: { annotations: { [TOKEN]: '5' } } });
        expect(harness.front.seen.filter(isPatch)).toHaveLength(1);
      });

      it('sends a wish again that was lost on the way', async () => {
        const { version, path } = await made();
        harness.front.script(isPatch, { kind: 'unheard' });
        expect(await starling.actuate(version, 6, 5n)).toMatchObject({ outcome: 'applied' });
        expect((await read(path)).spec.replicas).toBe(6);
      });

      it.each([500, 503, 504])(
        'looks how it stands after a %i, and sends again what was not written',
        async (status) => {
          const { version, path } = await made();
          const body = { kind: 'Status', code: status, message: 'etcdserver: request timed out' };
          harness.front.script(isPatch, { kind: 'answer', status, body });
          expect(await starling.actuate(version, 6, 5n)).toMatchObject({ outcome: 'applied' });
          expect((await read(path)).spec.replicas).toBe(6);
        },
      );

      it('does not know what became of a wish that nobody answers', async () => {
        const { version } = await made();
        harness.front.script(isPatch, { kind: 'silent' });
        expect(await starling.actuate(version, 6, 5n, 300)).toMatchObject({ outcome: 'unknown' });
      });

      it('does not call a wish failed that may still arrive', async () => {
        const { version } = await made();
        const body = { kind: 'Status', code: 403, message: 'no longer' };
        harness.front.fateOf = ({ method, isWatch }) => {
          if (method === 'PATCH') return { kind: 'unheard' };
          return method === 'GET' && !isWatch ? { kind: 'answer', status: 403, body } : { kind: 'pass' };
        };
        expect(await starling.actuate(version, 6, 5n)).toMatchObject({ outcome: 'unknown' });
      });

      it('stays away as long as it is told to, and says so', async () => {
        const { version, path } = await made();
        const polite = harness.client();
        await polite.knows(version);
        harness.front.script(isPatch, {
          kind: 'answer',
          status: 429,
          headers: { 'retry-after': '20' },
          body: overloaded,
        });
        expect(await polite.actuate(version, 6, 5n)).toMatchObject({
          outcome: 'failed',
          status: 429,
          retryAfterMs: 20_000,
        });
        await expect(polite.actuator.admit()).rejects.toThrow('asked for a pause');
        expect((await read(path)).spec.replicas).toBe(1);
      });

      it('says which right is missing', async () => {
        const { version } = await made();
        const message = 'deployments.apps is forbidden: User "it" cannot patch resource "deployments"';
        const body = { kind: 'Status', code: 403, reason: 'Forbidden', message };
        harness.front.script(isPatch, { kind: 'answer', status: 403, body });
        const { outcome, detail, isGone } = await starling.actuate(version, 6, 5n);
        expect([outcome, isGone]).toEqual(['refused', false]);
        expect(detail).toContain('give this account the right to patch deployments in namespace default');
      });

      it('takes no page of a proxy for the word of the API server', async () => {
        const { version } = await made();
        harness.front.script(isPatch, { kind: 'answer', status: 404, body: '<html>nothing here</html>' });
        expect(await starling.actuate(version, 6, 5n)).toMatchObject({ outcome: 'failed', isGone: false });
      });

      it('spares an API server that fails again and again', async () => {
        const { version } = await made();
        const sparing = harness.client({ breakerFailures: 2, timeoutMs: 200 });
        await sparing.knows(version);
        harness.front.fateOf = (seen) => (isPatch(seen) ? { kind: 'silent' } : { kind: 'pass' });
        for (let round = 0; round < 2; round += 1) {
          expect(await sparing.actuate(version, 6, 5n)).toMatchObject({ outcome: 'unknown' });
        }
        const patches = harness.front.seen.filter(isPatch).length;
        expect(await sparing.actuate(version, 6, 5n)).toMatchObject({ outcome: 'failed', detail: /not sent/ });
        expect(harness.front.seen.filter(isPatch)).toHaveLength(patches);
      });

      it('sends nothing after its deadline', async () => {
        const { version } = await made();
        expect(await starling.actuate(version, 6, 5n, -1)).toMatchObject({ outcome: 'failed', detail: /deadline/ });
        expect(harness.front.seen.filter(isPatch)).toEqual([]);
      });
    });

    describe('watching', () => {
      const lists = () => harness.front.seen.filter(({ method, isWatch }) => method === 'GET' && !isWatch).length;

      it('goes on where it was when a watch breaks, without listing again', async () => {
        const { version, path } = await made();
        harness.front.seen.length = 0;
        harness.front.cutWatches();
        await harness.hand.merge(path, { metadata: { annotations: { 'starling.dev/max-instances': '6' } } });
        await starling.until('the change of the meantime', () => {
          const told = starling.targets.get(version.versionId);
          return told.state === 'known' && told.target.instancesMax === 6;
        });
        expect(lists()).toBe(0);
      });

      it('lists again when history is no longer kept, also for what was deleted in between', async () => {
        const [kept, lost] = [await made(), await made()];
        const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
        harness.front.fateOf = ({ isWatch }) =>
          isWatch ? { kind: 'answer', status: 503, body: {} } : { kind: 'pass' };
        harness.front.cutWatches();
        await harness.hand.must('DELETE', lost.path);
        await harness.hand.merge(kept.path, { metadata: { annotations: { 'starling.dev/max-instances': '6' } } });
        const now = Number((await read(kept.path)).metadata.resourceVersion);
        harness.front.fateOf = ({ isWatch, from }) =>
          isWatch && from < now ? { kind: 'answer', status: 410, body: gone } : { kind: 'pass' };
        await starling.until('both are told', () => {
          const told = starling.targets.get(kept.version.versionId);
          const isNew = told.state === 'known' && told.target.instancesMax === 6;
          return isNew && starling.targets.get(lost.version.versionId).state === 'gone';
        });
        expect(lists()).toBeGreaterThan(0);
      });

      it('calls nothing gone that it cannot look for', async () => {
        const { version } = await made();
        const blind = harness.client();
        harness.front.fateOf = ({ path }) =>
          path.endsWith('/statefulsets')
            ? { kind: 'answer', status: 403, body: { kind: 'Status', code: 403, message: 'statefulsets is forbidden' } }
            : { kind: 'pass' };
        expect(await blind.targets.refresh([version])).toMatchObject({
          ok: false,
          detail: expect.stringContaining('give this account the right to list statefulsets in all namespaces'),
        });
        await blind.until('deployments are known', () => blind.targets.get(version.versionId).state === 'known');
        const stranger = { ...version, versionId: 'nowhere' };
        expect(blind.targets.get('nowhere')).toMatchObject({ state: 'unknown' });
        expect(await blind.actuate(stranger, 1, 1n)).toMatchObject({ outcome: 'failed', isGone: false });
      });

      it('scales nothing while it cannot see who else does', async () => {
        const { version, path } = await made();
        const blind = harness.client();
        harness.front.fateOf = (seen) => (seen.path.endsWith('autoscalers') ? { kind: 'unheard' } : { kind: 'pass' });
        await blind.targets.refresh([version]);
        expect(blind.targets.get(version.versionId)).toMatchObject({
          state: 'barred',
          detail: /something else scales it/,
        });
        expect(await blind.actuate(version, 5, 1n)).toMatchObject({ outcome: 'refused', isGone: false });
        expect((await read(path)).spec.replicas).toBe(1);
      });

      it('reads long lists in pages, whole', async () => {
        const names = Array.from({ length: 520 }, () => harness.name());
        await Promise.all(names.map((each) => harness.make({ name: each })));
        const late = harness.client();
        await late.targets.refresh([]);
        const known = new Set([...late.view.index.all()].map(({ versionId }) => versionId));
        expect(names.filter((each) => !known.has(each))).toEqual([]);
        await Promise.all(names.map((each) => harness.hand.must('DELETE', pathOf({ name: each }))));
        await late.until('all are gone', () => names.every((each) => late.targets.get(each).state === 'gone'));
        expect((await harness.hand.ask('GET', collectionOf({}))).status).toBe(200);
      }, 60_000);
    });
  });
}
