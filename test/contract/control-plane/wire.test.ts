import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  configurationOfPolicy,
  formatIsoDuration,
  parseIsoDuration,
  policyOfConfiguration,
} from '../../../src/contract/autoscaling-configuration.ts';
import { parseDeploymentAnswer } from '../../../src/contract/deployment.ts';
import { parseSpecificationChange } from '../../../src/contract/deployment-change.ts';
import { formatToken, idempotencyKey, judgeWrite, parseToken } from '../../../src/contract/fencing.ts';
import { deploymentPath, isAddressable, predictionPath, scalingTargetsPath } from '../../../src/contract/paths.ts';
import { parsePrediction, parsePredictionAnswer } from '../../../src/contract/prediction.ts';
import { parseProblem } from '../../../src/contract/problem.ts';
import { compareIds, parsePage, parsePageQuery } from '../../../src/contract/scaling-targets.ts';
import { defaultPolicy, type StepsPolicy } from '../../../src/domain/policy.ts';
import { matchRoute } from '../../support/control-plane/match-route.ts';

const anyId = fc.string({ minLength: 1, maxLength: 255, unit: 'grapheme' }).filter(isAddressable);
const LOOK_BACK = { lookBackSeconds: 3_600, base: undefined };

describe('paths', () => {
  it('carry any id through a URL and back', () => {
    fc.assert(
      fc.property(anyId, anyId, anyId, (account, functionId, versionId) => {
        const sent = new URL(predictionPath({ account, functionId, versionId }), 'http://control.plane');
        expect(matchRoute(sent.pathname)).toEqual({ call: 'prediction', account, functionId, versionId });
        const read = new URL(deploymentPath({ functionId, versionId }), 'http://control.plane');
        expect(matchRoute(read.pathname)).toEqual({ call: 'deployment', functionId, versionId });
        const page = new URL(scalingTargetsPath({ after: versionId, limit: 7 }), 'http://control.plane');
        expect(matchRoute(page.pathname)).toEqual({ call: 'scaling-targets' });
        expect(parsePageQuery(page.searchParams)).toEqual({ ok: true, after: versionId, limit: 7 });
      }),
    );
  });

  it('match the specification of a deployment', () => {
    const path = `/v2/nvcf/deployments/${encodeURIComponent('d/1')}/gpu-specifications/${encodeURIComponent('g"1')}`;
    expect(matchRoute(path)).toEqual({ call: 'gpu-specification', deploymentId: 'd/1', gpuSpecificationId: 'g"1' });
  });

  it('refuse what no URL can carry', () => {
    expect(['.', '..', '', '\ud800'].map(isAddressable)).toEqual([false, false, false, false]);
  });

  it.each([
    '/',
    '/v1',
    '/v1/scaling-targets/x',
    '/v2/nvcf/accounts/a/predictions/functions//versions/v',
    '/v2/nvcf/%zz',
  ])('match nothing at %s', (path) => {
    expect(matchRoute(path)).toBeUndefined();
  });
});

describe('fencing tokens', () => {
  it('survive as decimal text, over the whole width', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (token) => {
        expect(parseToken(formatToken(token))).toBe(token);
      }),
    );
  });

  it.each(['', '-1', '+1', '01', '1.0', '1e3', '0x10', ' 1', '9223372036854775808', '99999999999999999999'])(
    'are not %j',
    (text) => {
      expect(parseToken(text)).toBeUndefined();
    },
  );

  it('are text, never a number', () => {
    expect(parseToken(12)).toBeUndefined();
  });

  it('are accepted when greater, repeated when equal in all, stale otherwise', () => {
    const stored = { token: 5n, body: { requiredNumberOfInstances: 3 } };
    const offer = (token: bigint, wanted: number) =>
      judgeWrite(stored, { token, body: { requiredNumberOfInstances: wanted } });
    expect(judgeWrite(undefined, stored)).toBe('accept');
    expect([offer(6n, 3), offer(6n, 9), offer(5n, 3), offer(5n, 4), offer(4n, 3)]).toEqual([
      'accept',
      'accept',
      'repeat',
      'stale',
      'stale',
    ]);
  });

  it('make an idempotency key that any header can carry', () => {
    expect(idempotencyKey('version-1', 7n)).toBe('version-1:7');
    fc.assert(
      fc.property(anyId, (versionId) => {
        expect(idempotencyKey(versionId, 7n)).toMatch(/^[\x21-\x7e]+:7$/);
      }),
    );
  });
});

describe('durations', () => {
  it.each([
    ['PT10M', 600],
    ['PT1H', 3_600],
    ['PT1H30M', 5_400],
    ['PT90S', 90],
    ['P1D', 86_400],
    ['P1DT1S', 86_401],
    ['PT0S', 0],
    ['PT59.9S', 59],
  ])('%s is %d s', (text, seconds) => {
    expect(parseIsoDuration(text)).toBe(seconds);
  });

  it.each(['', 'P', 'PT', 'P1Y', 'P1M', '10M', 'PT-1M', 'pt1m', 'PT1M ', 'P1DT'])('%j is none', (text) => {
    expect(parseIsoDuration(text)).toBeUndefined();
  });

  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), (seconds) => {
        expect(parseIsoDuration(formatIsoDuration(seconds))).toBe(seconds);
      }),
    );
  });
});

describe('a prediction', () => {
  const read = (body: unknown, fencingToken: string | undefined = '5', demandsToken = true) =>
    parsePrediction({ body, fencingToken }, { demandsToken });

  it.each([
    [{ requiredNumberOfInstances: -1 }, '/requiredNumberOfInstances'],
    [{ requiredNumberOfInstances: 1.5 }, '/requiredNumberOfInstances'],
    [{ requiredNumberOfInstances: 1e9 }, '/requiredNumberOfInstances'],
    [{ requiredNumberOfInstances: '3' }, '/requiredNumberOfInstances'],
    [{ requiredNumberOfInstances: null }, '/requiredNumberOfInstances'],
    [{}, '/requiredNumberOfInstances'],
    [{ requiredNumberOfInstances: 1, predictedAt: 'yesterday' }, '/predictedAt'],
    [{ requiredNumberOfInstances: 1, deploymentId: 7 }, '/deploymentId'],
    [[], ''],
    ['text', ''],
    [null, ''],
  ])('%j is refused at %s', (body, pointer) => {
    const parsed = read(body);
    expect(parsed.ok).toBe(false);
    expect(!parsed.ok && parsed.problem.status).toBe(400);
    expect(!parsed.ok && parsed.problem.errors?.map((error) => error.pointer)).toEqual([pointer]);
  });

  it('demands a token where told to, and says which header', () => {
    expect(
      parsePrediction({ body: { requiredNumberOfInstances: 1 }, fencingToken: undefined }, { demandsToken: true }),
    ).toMatchObject({
      problem: { status: 428, type: 'fencing-token-required' },
    });
    expect(
      parsePrediction({ body: { requiredNumberOfInstances: 1 }, fencingToken: undefined }, { demandsToken: false }),
    ).toMatchObject({ ok: true, token: undefined });
  });

  it('reads an answer field by field and believes no absurd one', () => {
    expect(
      parsePredictionAnswer({ activeInstances: 3, pendingInstances: -1, functionStatus: 'PAUSED', surprise: {} }),
    ).toEqual({
      activeInstances: 3,
      pendingInstances: undefined,
      functionStatus: 'INACTIVE',
      scalingStatus: undefined,
    });
    expect(parsePredictionAnswer('ok')).toBeUndefined();
  });
});

describe('a problem', () => {
  it('is known by the last part of its type', () => {
    for (const type of ['stale-fencing-token', 'urn:x:stale-fencing-token', 'https://x.test/p/stale-fencing-token']) {
      expect(parseProblem({ type, storedToken: '9' })).toMatchObject({ type: 'stale-fencing-token', storedToken: 9n });
    }
  });

  it('may be anything at all', () => {
    fc.assert(
      fc.property(fc.anything(), (body) => {
        expect(() => parseProblem(body)).not.toThrow();
      }),
    );
    expect(parseProblem({ type: 7, storedToken: 12 })).toMatchObject({ type: '', storedToken: undefined });
  });
});

describe('an autoscaling configuration', () => {
  const custom = {
    scaleUpDetails: { factor: 1.5, threshold: 75, stickiness: { size: 'PT10M', threshold: 'PT3M' } },
    scaleDownDetails: { factor: 0.5, threshold: 25 },
  };

  it('becomes a steps policy and back', () => {
    const read = policyOfConfiguration(custom, LOOK_BACK);
    expect(read.ok && read.policy).toMatchObject({
      kind: 'steps',
      up: { factor: 1.5, threshold: 75, stickiness: { windowSeconds: 600, requiredSeconds: 180 } },
      down: { factor: 0.5, threshold: 25 },
    });
    expect(read.ok && configurationOfPolicy(read.policy as StepsPolicy)).toEqual(custom);
  });

  it('takes a side that is left out from the base, but never upside down', () => {
    const base = defaultPolicy('steps');
    const up = policyOfConfiguration({ scaleUpDetails: custom.scaleUpDetails }, { lookBackSeconds: 3_600, base });
    expect(up.ok && (up.policy as StepsPolicy).down).toEqual(base.down);
    const inverted = policyOfConfiguration(
      { scaleUpDetails: { factor: 2, threshold: 20 } },
      { lookBackSeconds: 3_600, base },
    );
    expect(!inverted.ok && inverted.problems[0]?.path).toBe('up.threshold');
  });

  it('does not inherit the stickiness of the base', () => {
    const base: StepsPolicy = {
      ...defaultPolicy('steps'),
      up: { threshold: 70, factor: 1.2, stickiness: { windowSeconds: 600, requiredSeconds: 300 } },
    };
    const read = policyOfConfiguration(
      { scaleUpDetails: { factor: 2, threshold: 80 } },
      { lookBackSeconds: 3_600, base },
    );
    expect(read.ok && (read.policy as StepsPolicy).up).toEqual({ factor: 2, threshold: 80 });
  });

  it('cuts stickiness to minutes, and to none below one', () => {
    const side = (size: string, threshold: string) =>
      policyOfConfiguration(
        { ...custom, scaleUpDetails: { factor: 2, threshold: 80, stickiness: { size, threshold } } },
        LOOK_BACK,
      );
    const cut = side('PT9M59S', 'PT119S');
    expect(cut.ok && (cut.policy as StepsPolicy).up.stickiness).toEqual({ windowSeconds: 540, requiredSeconds: 60 });
    const none = side('PT10M', 'PT0S');
    expect(none.ok && (none.policy as StepsPolicy).up.stickiness).toBeUndefined();
  });
});

describe('a change of a specification', () => {
  const change = (body: unknown) =>
    parseSpecificationChange(body, { current: { minInstances: 1, maxInstances: 4 }, ...LOOK_BACK });
  const pointers = (body: unknown) => {
    const parsed = change(body);
    return parsed.ok ? [] : parsed.problem.errors?.map((error) => error.pointer);
  };
  const up = { factor: 1.5, threshold: 75 };
  const down = { factor: 0.5, threshold: 25 };
  const autoscaling = (scaleUpDetails: object, scaleDownDetails: object = down) => ({
    autoscalingConfiguration: { scaleUpDetails, scaleDownDetails },
  });

  it.each<[string, unknown, string[]]>([
    ['nothing', {}, ['']],
    ['a fixed field', { minInstances: 1, gpu: 'H100' }, ['/gpu']],
    ['a minimum above the maximum that stands', { minInstances: 5 }, ['/minInstances']],
    ['a maximum below the minimum that stands', { maxInstances: 0 }, ['/maxInstances']],
    [
      'custom without a configuration',
      { autoscalingConfigurationPolicy: 'CUSTOM_CONFIGURATION' },
      ['/autoscalingConfiguration'],
    ],
    ['an unknown word', { autoscalingConfigurationPolicy: 'MINE' }, ['/autoscalingConfigurationPolicy']],
    ['an up factor of 1', autoscaling({ ...up, factor: 1 }), ['/autoscalingConfiguration/scaleUpDetails/factor']],
    [
      'a down factor of 1',
      autoscaling(up, { ...down, factor: 1 }),
      ['/autoscalingConfiguration/scaleDownDetails/factor'],
    ],
    [
      'inverted thresholds',
      autoscaling({ ...up, threshold: 20 }),
      ['/autoscalingConfiguration/scaleUpDetails/threshold'],
    ],
    [
      'a window over an hour',
      autoscaling({ ...up, stickiness: { size: 'PT2H', threshold: 'PT1M' } }),
      ['/autoscalingConfiguration/scaleUpDetails/stickiness/size'],
    ],
    [
      'a spell longer than its window',
      autoscaling({ ...up, stickiness: { size: 'PT5M', threshold: 'PT6M' } }),
      ['/autoscalingConfiguration/scaleUpDetails/stickiness/threshold'],
    ],
    [
      'a duration that is none',
      autoscaling({ ...up, stickiness: { size: '5m', threshold: 'PT1M' } }),
      ['/autoscalingConfiguration/scaleUpDetails/stickiness/size'],
    ],
  ])('refuses %s', (_, body, expected) => {
    expect(pointers(body)).toEqual(expected);
  });

  it('takes bounds, a policy, and back again', () => {
    expect(change({ minInstances: 0, maxInstances: 8 })).toEqual({
      ok: true,
      value: { minInstances: 0, maxInstances: 8, configuration: undefined },
    });
    expect(change(autoscaling(up))).toMatchObject({ ok: true, value: { configuration: { scaleUpDetails: up } } });
    expect(change({ autoscalingConfigurationPolicy: 'PLATFORM_CONFIGURATION' })).toMatchObject({
      ok: true,
      value: { configuration: null },
    });
  });
});

describe('a deployment', () => {
  const specification = (more: object = {}) => ({
    minInstances: 1,
    maxInstances: 4,
    maxRequestConcurrency: 8,
    ...more,
  });
  const answer = (...deploymentSpecifications: object[]) => ({
    deployment: {
      functionId: 'f',
      functionVersionId: 'v',
      functionStatus: 'ACTIVE',
      deploymentId: 'd',
      deploymentSpecifications,
    },
  });
  const custom = {
    autoscalingConfigurationPolicy: 'CUSTOM_CONFIGURATION',
    autoscalingConfiguration: { scaleUpDetails: { factor: 2, threshold: 80 } },
  };

  it('is one thing to scale: bounds added up, the smallest concurrency', () => {
    expect(
      parseDeploymentAnswer(answer(specification(), specification({ minInstances: 0, maxRequestConcurrency: 2 }))),
    ).toMatchObject({
      ok: true,
      deployment: { instancesMin: 1, instancesMax: 8, concurrency: 2, configuration: undefined },
    });
  });

  it('takes the custom policy that its specifications agree on, and refuses two', () => {
    expect(parseDeploymentAnswer(answer(specification(custom), specification(custom)))).toMatchObject({
      ok: true,
      deployment: { configuration: { scaleUpDetails: { factor: 2, threshold: 80 } } },
    });
    const other = { autoscalingConfiguration: { scaleUpDetails: { factor: 3, threshold: 80 } } };
    expect(parseDeploymentAnswer(answer(specification(custom), specification(other)))).toMatchObject({ ok: false });
  });

  it('ignores a configuration that the platform’s own overrules', () => {
    const overruled = specification({ ...custom, autoscalingConfigurationPolicy: 'PLATFORM_CONFIGURATION' });
    expect(parseDeploymentAnswer(answer(overruled))).toMatchObject({
      ok: true,
      deployment: { configuration: undefined },
    });
  });

  it('without specifications is unreadable, never bounds of zero', () => {
    expect(parseDeploymentAnswer(answer())).toMatchObject({ ok: false });
  });

  it('survives anything', () => {
    fc.assert(
      fc.property(fc.anything(), (body) => {
        expect(parseDeploymentAnswer(body).ok).toBe(false);
      }),
    );
  });
});

describe('a page of scaling targets', () => {
  const item = (functionVersionId: string, more: object = {}) => ({
    functionId: 'f',
    functionVersionId,
    account: 'a',
    functionStatus: 'ACTIVE',
    minInstances: 0,
    maxInstances: 5,
    maxRequestConcurrency: 1,
    ...more,
  });
  const all = { after: '', isWanted: () => true };

  it('is ordered as UTF-8 is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareIds(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
      }),
    );
  });

  it('is read for the share that is wanted, and one bad item spoils no other', () => {
    const page = parsePage(
      { items: [item('a'), item('b', { minInstances: -1 }), item('c'), item('d')], next: 'd' },
      { after: '', isWanted: (versionId) => versionId !== 'c' },
    );
    expect(page.ok && [...page.items].map((each) => [each.versionId, each.ok])).toEqual([
      ['a', true],
      ['b', false],
      ['d', true],
    ]);
  });

  it.each([
    ['checkout', 'checkout'],
    ['  of  Europe ', 'of  Europe'],
    ['<b>bold</b> \u{1F426}', '<b>bold</b> \u{1F426}'],
    ['x\u001b[2J\n\u202ey', 'x\\u001b[2J\\u000a\\u202ey'],
    ['n'.repeat(255), 'n'.repeat(255)],
    ['n'.repeat(256), undefined],
    ...[undefined, null, '', ' \n', 7, {}, ['a']].map((told) => [told, undefined]),
  ])('has the name %j as %j, and is no worse for any', (name, read) => {
    const page = parsePage({ items: [item('a', { name })], next: null }, all);
    expect(page.ok && page.items.map((each) => each.ok && [each.item.name])).toEqual([[read]]);
    const deployment = {
      ...{ functionId: 'f', functionVersionId: 'v', functionStatus: 'ACTIVE', deploymentId: 'd', name },
      deploymentSpecifications: [{ minInstances: 0, maxInstances: 1 }],
    };
    const parsed = parseDeploymentAnswer({ deployment });
    expect(parsed.ok && [parsed.deployment.name]).toEqual([read]);
  });

  it.each([
    ['items out of order', { items: [item('b'), item('a')], next: null }],
    ['an item twice', { items: [item('a'), item('a')], next: null }],
    ['a next that does not go on', { items: [item('b')], next: 'a' }],
    ['an item without an id', { items: [{ ...item('a'), functionVersionId: 7 }], next: null }],
    [
      'more than a page',
      { items: Array.from({ length: 1_001 }, (_, index) => item(`v${10_000 + index}`)), next: null },
    ],
    ['no next', { items: [] }],
    ['a list', []],
  ])('is refused with %s', (_, body) => {
    expect(parsePage(body, all)).toMatchObject({ ok: false });
  });

  it('cannot pollute prototypes', () => {
    const body = JSON.parse(
      '{"items":[{"functionId":"f","functionVersionId":"a","account":"a","minInstances":0,"maxInstances":1,"__proto__":{"polluted":true}}],"next":null,"__proto__":{"polluted":true}}',
    );
    const page = parsePage(body, all);
    expect(page.ok && [...page.items]).toMatchObject([{ ok: true }]);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    const [read] = page.ok ? [...page.items] : [];
    expect(read?.ok && 'polluted' in read.item).toBe(false);
  });
});
