import { boolean, choice, duration, number, optional } from '../option.ts';

function stickiness(side: string) {
  return {
    window: optional.duration(
      `The ${side} side fires only when enough of the samples of this span breach it; unset: the newest decides.`,
      {
        min: '1m',
        max: '1h',
      },
    ),
    required: optional.duration('How much of the window must breach.', { min: '1m', max: '1h' }),
  };
}

function stepLimit(direction: string) {
  return {
    percent: optional.number(
      `Largest ${direction} per period, in per cent of what was wanted at its start; unset: no limit.`,
      {
        min: '0',
        max: '100000',
      },
    ),
    instances: optional.integer('The same in instances; the larger of both counts.', { min: '0', max: '1000000' }),
    period: duration('1m', 'The period.', { min: '1s', max: '1h' }),
  };
}

/** The policy of function versions that bring none of their own. */
export const policy = {
  kind: choice(
    ['target', 'steps'],
    'target',
    'target: enough instances for the demand. steps: by a factor past a threshold.',
  ),
  source: choice(
    ['control-plane', 'default'],
    'control-plane',
    'default: ignore what the control plane says and use this policy for all.',
  ),
  target: {
    share: number('0.7', "Share of an instance's concurrency to fill.", { min: '0.01', max: '1' }),
    window: duration('1m', 'Span over which demand is averaged.', { max: '1h' }),
  },
  steps: {
    up: {
      threshold: number('70', 'Utilisation in per cent above which the count is raised.', { min: '0', max: '100' }),
      factor: number('1.2', 'By what it is multiplied.', { min: '1.0001', max: '1000' }),
      stickiness: stickiness('up'),
    },
    down: {
      threshold: number('30', 'Utilisation in per cent below which the count is lowered.', { min: '0', max: '100' }),
      factor: number('0.8', 'By what it is multiplied.', { min: '0', max: '0.9999' }),
      stickiness: stickiness('down'),
    },
    decay: number('0', 'Weight of older samples in the mean of the idle test: exp(-decay × age in samples).', {
      min: '0',
      max: '10',
    }),
  },
  scaleToZero: boolean('true', 'Idle versions go to zero, where their minimum allows.'),
  idleTimeout: duration('30m', 'No call for this long, and low load, before zero.', { max: '7d' }),
  stabilisationUp: optional.duration('A raise waits until every decision of this span agrees. Unset: none.', {
    max: '1h',
  }),
  stabilisationDown: optional.duration(
    'A decrease waits until every decision of this span agrees. Unset: 5m for target, none for steps.',
    {
      max: '1h',
    },
  ),
  cooldownUp: optional.duration('Pause after a raise before the next. Unset: none.', { max: '1h' }),
  cooldownDown: optional.duration('Pause after a decrease before the next. Unset: none.', { max: '1h' }),
  stepUp: stepLimit('raise'),
  stepDown: stepLimit('decrease'),
};
