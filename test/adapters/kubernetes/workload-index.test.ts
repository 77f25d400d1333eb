import { describe, expect, it } from 'vitest';
import { policyReader } from '../../../src/adapters/kubernetes/policy-text.ts';
import { WorkloadIndex } from '../../../src/adapters/kubernetes/workload-index.ts';
import { scalerOf } from '../../support/kubernetes/cluster-hand.ts';

const anIndex = () => new WorkloadIndex(policyReader({ lookBackSeconds: 3_600, basePolicy: undefined }));
const target = { kind: 'Deployment', namespace: 'shop', name: 'checkout' } as const;

describe('the policy in an annotation', () => {
  const read = (policySource: 'control-plane' | 'default', text: string) =>
    policyReader({ lookBackSeconds: 3_600, basePolicy: undefined, policySource })(text);

  it('is read and checked, or ignored whatever it says where the default is for all', () => {
    expect(read('control-plane', '{"kind": "target", "target": 0.5}')).toMatchObject({ policy: { target: 0.5 } });
    expect(read('control-plane', 'kind: magic')).toMatchObject({ ok: false });
    for (const text of ['{"kind": "target", "target": 0.5}', 'kind: magic', '{']) {
      expect(read('default', text)).toEqual({ ok: true, policy: undefined });
    }
  });
});

describe('who else scales a workload', () => {
  it('is told while one does, each by its own name', () => {
    const index = anIndex();
    expect(index.scalerOf(target)).toBeUndefined();
    index.putScaler(scalerOf('one', target));
    index.putScaler(scalerOf('other', target));
    index.dropScaler(scalerOf('one', target));
    expect(index.scalerOf(target)).toBe('HorizontalPodAutoscaler shop/other');
    index.dropScaler(scalerOf('other', target));
    expect(index.scalerOf(target)).toBeUndefined();
  });

  it('is another workload once it was turned to that', () => {
    const index = anIndex();
    index.putScaler(scalerOf('one', target));
    index.putScaler(scalerOf('one', { ...target, name: 'search' }));
    expect(index.scalerOf(target)).toBeUndefined();
    expect(index.scalerOf({ ...target, name: 'search' })).toBe('HorizontalPodAutoscaler shop/one');
  });

  it('is nobody for a workload of the same name elsewhere, of another kind, or of another group', () => {
    const index = anIndex();
    index.putScaler(scalerOf('one', target));
    expect(index.scalerOf({ ...target, namespace: 'shop-2' })).toBeUndefined();
    expect(index.scalerOf({ ...target, kind: 'StatefulSet' })).toBeUndefined();
    const scaler = scalerOf('two', { ...target, name: 'stranger' }) as { spec: { scaleTargetRef: object } };
    const ref = { ...scaler.spec.scaleTargetRef, apiVersion: 'example.com/v1' };
    index.putScaler({ ...scaler, spec: { scaleTargetRef: ref } });
    expect(index.scalerOf({ ...target, name: 'stranger' })).toBeUndefined();
  });

  it('is only who is in the newest list of a namespace', () => {
    const index = anIndex();
    const elsewhere = { ...target, namespace: 'shop-2' };
    for (const each of [target, elsewhere]) index.putScaler(scalerOf('one', each));
    index.replaceScalers('shop', []);
    expect(index.scalerOf(target)).toBeUndefined();
    expect(index.scalerOf(elsewhere)).toBe('HorizontalPodAutoscaler shop-2/one');
    index.replaceScalers(undefined, [scalerOf('two', target)]);
    expect(index.scalerOf(elsewhere)).toBeUndefined();
    expect(index.scalerOf(target)).toBe('HorizontalPodAutoscaler shop/two');
  });
});
