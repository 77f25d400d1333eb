import { expect, it } from 'vitest';
import { PHASES } from '../../../../src/commands/dev/demo/demo-script.ts';
import { demoView } from '../../../../src/commands/dev/demo/demo-view.ts';

it('shows how far it is, what runs of what is wanted, and what was seen', () => {
  const burst = PHASES.normal.find(({ name }) => name === 'burst');
  if (!burst) throw new Error('the script has no burst');
  const lines = demoView(
    {
      phase: burst,
      share: 0.5,
      elapsedMs: 72_000,
      functions: [
        {
          name: 'demo-steady',
          versionId: '11111111-aaaa',
          callers: { count: 2 },
          counts: { wanted: undefined, instances: 3 },
        },
        {
          name: 'demo-burst',
          versionId: '22222222-bbbb',
          callers: { count: 5 },
          counts: { wanted: 8, instances: 6 },
        },
        { name: 'demo-rare', versionId: '33333333-cccc', callers: { count: 0 }, counts: { wanted: 0, instances: 1 } },
      ],
      milestones: { has: (milestone) => milestone === 'scale-up' },
    },
    (format, text) => (format === 'dim' ? `<${text}>` : text),
  );
  expect(lines).toEqual([
    'demo ██████████░░░░░░░░░░ 1:12  burst: it gets a burst: it scales up',
    '  demo-steady  <11111111>  calls under way  2   wanted  ?   running  3   ■■■<>',
    '  demo-burst   <22222222>  calls under way  5   wanted  8   running  6   ■■■■■■<>□□',
    '  demo-rare    <33333333>  calls under way  0   wanted  0   running  1   <■>',
    '  seen: ✓ scale-up   · scale-down   · to zero   · from zero',
  ]);
});
