import { describe, expect, it } from 'vitest';
import { checkBounds, checkLookBack, parsePolicy } from '../../src/domain/parse-policy.ts';
import { defaultPolicy, describePolicy, policySchema } from '../../src/domain/policy.ts';

const LOOK_BACK = { lookBackSeconds: 600 };

function problemsOf(document: unknown, options = LOOK_BACK): string[] {
  const parsed = parsePolicy(document, options);
  if (parsed.ok) return [];
  for (const { message, mend } of parsed.problems) {
    expect(message).not.toBe('');
    expect(mend).not.toBe('');
  }
  return parsed.problems.map(({ path }) => path);
}

describe('a policy that can never work', () => {
  const steps = (up: object, down: object, rest: object = {}) => ({
    kind: 'steps',
    up: { threshold: 70, factor: 1.2, ...up },
    down: { threshold: 30, factor: 0.8, ...down },
    ...rest,
  });
  const sticky = (windowSeconds: number, requiredSeconds: number) => ({
    stickiness: { windowSeconds, requiredSeconds },
  });

  it.each<[string, unknown, string[]]>([
    ['no object', 'steps', ['']],
    ['a list', [], ['']],
    ['no kind', {}, ['kind']],
    ['another kind', { kind: 'forecast' }, ['kind']],
    ['an inverted band', steps({ threshold: 30 }, { threshold: 70 }), ['up.threshold']],
    ['a band of no width', steps({ threshold: 50 }, { threshold: 50 }), ['up.threshold']],
    ['a band of no width in 32 bit', steps({ threshold: 50.000000001 }, { threshold: 50 }), ['up.threshold']],
    ['an up factor of 1', steps({ factor: 1 }, {}), ['up.factor']],
    ['an up factor that is 1 in 32 bit', steps({ factor: 1.00000000001 }, {}), ['up.factor']],
    ['a down factor of 1', steps({}, { factor: 1 }), ['down.factor']],
    ['a down factor that is 1 in 32 bit', steps({}, { factor: 0.99999999999 }), ['down.factor']],
    ['a down factor of 0', steps({}, { factor: 0 }), ['down.factor']],
    ['a negative down factor', steps({}, { factor: -0.5 }), ['down.factor']],
    ['factors that are no numbers', steps({ factor: Number.NaN }, { factor: '0.8' }), ['up.factor', 'down.factor']],
    ['an infinite factor', steps({ factor: Number.POSITIVE_INFINITY }, {}), ['up.factor']],
    ['only an up side', { kind: 'steps', up: { threshold: 70, factor: 1.2 } }, ['down']],
    ['only a down side', { kind: 'steps', down: { threshold: 30, factor: 0.8 } }, ['up']],
    ['required longer than its window', steps(sticky(120, 180), {}), ['up.stickiness.requiredSeconds']],
    ['a window longer than the look-back', steps({}, sticky(660, 60)), ['down.stickiness.windowSeconds']],
    ['stickiness not in whole minutes', steps(sticky(90, 60), {}), ['up.stickiness.windowSeconds']],
    ['stickiness under a minute', steps(sticky(60, 30), {}), ['up.stickiness.requiredSeconds']],
    ['a target of 0', { kind: 'target', target: 0 }, ['target']],
    ['a target above 1', { kind: 'target', target: 1.01 }, ['target']],
    ['a mean over more than the look-back', { kind: 'target', windowSeconds: 601 }, ['windowSeconds']],
    ['half a second', { kind: 'target', windowSeconds: 0.5 }, ['windowSeconds']],
    ['a limit that lets nothing move', { kind: 'target', stepUp: { percent: 0, instances: 0 } }, ['stepUp']],
    ['an idle time of nothing', { kind: 'target', idleTimeoutSeconds: 0 }, ['idleTimeoutSeconds']],
    ['a field that is not there', { kind: 'target', tresholds: 1 }, ['tresholds']],
    ['a field of the other kind', { kind: 'target', decay: 0.1 }, ['decay']],
    ['a field that is not there, further in', steps({ treshold: 1 }, {}), ['up.treshold']],
    ['a text for a switch', { kind: 'target', scaleToZero: 'no' }, ['scaleToZero']],
  ])('is refused with the field and the mend: %s', (_what, document, paths) => {
    expect(problemsOf(document)).toEqual(paths);
  });

  it('is refused with all its problems at once, each field once', () => {
    const document = steps({ threshold: 10, factor: 0.5 }, { factor: 2 }, { idleTimeoutSeconds: -1, decay: 99 });
    expect(problemsOf(document).sort()).toEqual([
      'decay',
      'down.factor',
      'idleTimeoutSeconds',
      'up.factor',
      'up.threshold',
    ]);
  });

  it('names what to give instead', () => {
    const parsed = parsePolicy(steps(sticky(90, 60), {}), LOOK_BACK);
    expect(parsed).toEqual({
      ok: false,
      problems: [{ path: 'up.stickiness.windowSeconds', message: '90 s is not whole minutes', mend: 'give 60 or 120' }],
    });
  });

  it('is refused by the schema alone, too', () => {
    const whole = { ...defaultPolicy('steps'), up: { threshold: 20, factor: 1.2 } };
    expect(policySchema.safeParse(whole).success).toBe(false);
    expect(policySchema.safeParse(defaultPolicy('steps')).success).toBe(true);
    expect(policySchema.safeParse(defaultPolicy('target')).success).toBe(true);
  });
});

describe('a partial document', () => {
  it('is filled from the defaults of its kind', () => {
    expect(parsePolicy({ kind: 'target', target: 0.5 }, LOOK_BACK)).toEqual({
      ok: true,
      policy: { ...defaultPolicy('target'), target: 0.5 },
    });
    expect(parsePolicy({ kind: 'steps' }, LOOK_BACK)).toEqual({ ok: true, policy: defaultPolicy('steps') });
  });

  it('is filled from a base of the same kind, and needs no kind then', () => {
    const base = { ...defaultPolicy('target'), idleTimeoutSeconds: 120 };
    expect(parsePolicy({ target: 0.5 }, { ...LOOK_BACK, base })).toEqual({
      ok: true,
      policy: { ...base, target: 0.5 },
    });
    expect(parsePolicy({ kind: 'steps' }, { ...LOOK_BACK, base })).toEqual({
      ok: true,
      policy: defaultPolicy('steps'),
    });
  });

  it('keeps within a side what it does not name', () => {
    const document = { kind: 'steps', up: { threshold: 80 }, down: { threshold: 20 } };
    expect(parsePolicy(document, LOOK_BACK)).toMatchObject({
      ok: true,
      policy: { up: { threshold: 80, factor: 1.2 }, down: { threshold: 20, factor: 0.8 } },
    });
  });

  it('takes an optional field away with null', () => {
    const parsed = parsePolicy({ kind: 'target', stepUp: null }, LOOK_BACK);
    expect(parsed.ok && parsed.policy).not.toHaveProperty('stepUp');
    expect(problemsOf({ kind: 'target', target: null })).toEqual(['target']);
  });

  it('changes neither its base nor any prototype', () => {
    const before = structuredClone(defaultPolicy('target'));
    parsePolicy(JSON.parse('{"kind":"target","__proto__":{"polluted":1},"stepUp":{"instances":7}}'), LOOK_BACK);
    expect(defaultPolicy('target')).toEqual(before);
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('what stands beside a policy', () => {
  it('is checked against the look-back by itself', () => {
    expect(checkLookBack(defaultPolicy('target'), 30).map(({ path }) => path)).toEqual(['windowSeconds']);
    expect(checkLookBack(defaultPolicy('steps'), 30)).toEqual([]);
  });

  it.each([
    [{ instancesMin: 5, instancesMax: 3, concurrency: 1 }, ['instancesMin']],
    [{ instancesMin: -1, instancesMax: 1.5, concurrency: 1 }, ['instancesMin', 'instancesMax']],
    [{ instancesMin: 0, instancesMax: 0, concurrency: 0 }, ['concurrency']],
    [{ instancesMin: 0, instancesMax: 0, concurrency: Number.POSITIVE_INFINITY }, ['concurrency']],
    [{ instancesMin: 0, instancesMax: 0, concurrency: 1 }, []],
  ])('has bounds that can be met: %j', (bounds, paths) => {
    expect(checkBounds(bounds).map(({ path }) => path)).toEqual(paths);
  });
});

describe('a policy in short', () => {
  it('tells what matters', () => {
    expect(describePolicy(defaultPolicy('steps'))).toBe('steps >70 % × 1.2, <30 % × 0.8, zero after 1800 s idle');
    expect(describePolicy(defaultPolicy('target'))).toBe('target 0.7, down after 300 s, zero after 600 s idle');
    expect(
      describePolicy({
        ...defaultPolicy('steps'),
        up: { threshold: 80, factor: 2, stickiness: { windowSeconds: 300, requiredSeconds: 180 } },
        scaleToZero: false,
      }),
    ).toBe('steps >80 % × 2 for 3 of 5 min, <30 % × 0.8, never zero');
  });
});
