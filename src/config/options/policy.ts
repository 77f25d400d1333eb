import { choice, optional } from '../option.ts';

/** Only what is set here differs from the defaults of the policy's kind, which the domain keeps. */
const perKind = (steps: string, target: string) => `Unset: ${steps} for steps, ${target} for target.`;

function stickiness(side: string) {
  return {
    window: optional.duration(
      `The ${side} side fires only when enough samples of this span breach it; unset: the newest decides.`,
      { min: '1m', max: '1h' },
    ),
    required: optional.duration('How much of that span must breach.', { min: '1m', max: '1h' }),
  };
}

function stepLimit(direction: string, target: string) {
  return {
    enabled: optional.boolean(`Limit every ${direction} per period. ${perKind('off', `on, ${target}`)}`),
    percent: optional.number(`Largest ${direction} per period, in per cent of what was wanted at its start.`, {
      min: '0',
      max: '100000',
    }),
    instances: optional.integer('The same in instances; the larger of both counts.', { min: '0', max: '1000000' }),
    period: optional.duration('The period. Unset: 1m.', { min: '1s', max: '1h' }),
  };
}

/** The policy of function versions that bring none of their own. */
export const policy = {
  kind: choice(
    ['target', 'steps'],
    'target',
    'target: enough instances for the demand. steps: by a factor past a threshold, as NVIDIA Cloud Functions does.',
  ),
  source: choice(
    ['control-plane', 'default'],
    'control-plane',
    'default: ignore the policies that the control plane tells and use this one for all.',
  ),
  target: {
    share: optional.number("Share of an instance's concurrency to fill. Unset: 0.7.", { min: '0.01', max: '1' }),
    window: optional.duration('Span over which demand is averaged. Unset: 1m.', { max: '1h' }),
  },
  steps: {
    up: {
      threshold: optional.number('Utilisation in per cent above which the count is raised. Unset: 70.', {
        min: '0',
        max: '1000',
      }),
      factor: optional.number('By what it is then multiplied, rounded up. Unset: 1.2.', { max: '100' }),
      stickiness: stickiness('up'),
    },
    down: {
      threshold: optional.number('Utilisation in per cent below which the count is lowered. Unset: 30.', {
        min: '0',
        max: '1000',
      }),
      factor: optional.number('By what it is then multiplied, rounded down, never below one. Unset: 0.8.', {
        min: '0',
      }),
      stickiness: stickiness('down'),
    },
    decay: optional.number(
      'Weight of older samples in the mean of the idle test: exp(-decay × age in minutes). Unset: 0.',
      {
        min: '0',
        max: '10',
      },
    ),
  },
  scaleToZero: optional.boolean('Idle versions go to zero, where their minimum allows. Unset: true.'),
  idleTimeout: optional.duration(`No call for this long, and low load, before zero. ${perKind('30m', '10m')}`, {
    max: '7d',
  }),
  stabilisationUp: optional.duration('A raise goes only as high as the lowest aim of this span. Unset: 0s.', {
    max: '1h',
  }),
  stabilisationDown: optional.duration(
    `A decrease goes only as low as the highest aim of this span. ${perKind('0s', '5m')}`,
    { max: '1h' },
  ),
  cooldownUp: optional.duration('No raise this long after the last raise. Unset: 0s.', { max: '1h' }),
  cooldownDown: optional.duration('No decrease this long after any change. Unset: 0s.', { max: '1h' }),
  stepUp: stepLimit('raise', '1000 % or 50 instances'),
  stepDown: stepLimit('decrease', '50 % or 10 instances'),
};
