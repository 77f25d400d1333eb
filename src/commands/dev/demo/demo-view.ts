import { type DemoName, MILESTONES, type Phase } from './demo-script.ts';
import type { InstanceCounts, Milestones } from './milestones.ts';

const BAR = 20;
const NAME = 12;
/** Enough of a version's id to find it in the console and in `starling top`, which know no names. */
const ID = 8;

export interface DemoMoment {
  readonly phase: Phase;
  /** Of the whole demo, from 0 to 1. */
  readonly share: number;
  readonly elapsedMs: number;
  readonly functions: readonly {
    readonly name: DemoName;
    readonly versionId: string;
    readonly callers: { readonly count: number };
    readonly counts: Pick<InstanceCounts, 'wanted' | 'instances'>;
  }[];
  readonly milestones: Pick<Milestones, 'has'>;
}

/** The progress of the demo, as lines that are written over. `paint` colours where that is wanted. */
export function demoView(
  moment: DemoMoment,
  paint: (format: 'green' | 'dim' | 'bold', text: string) => string,
): string[] {
  const { phase, share, elapsedMs, functions, milestones } = moment;
  const filled = Math.round(Math.min(1, Math.max(0, share)) * BAR);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR - filled);
  const rows = functions.map(({ name, versionId, callers, counts: { wanted, instances } }) => {
    const aim = wanted ?? instances;
    const running = '■'.repeat(Math.min(instances, aim));
    const starting = '□'.repeat(Math.max(0, aim - instances));
    const leaving = paint('dim', '■'.repeat(Math.max(0, instances - aim)));
    return `  ${name.padEnd(NAME)} ${paint('dim', versionId.slice(0, ID))}  calls under way ${count(callers.count)}   wanted ${count(wanted)}   running ${count(instances)}   ${running}${leaving}${starting}`;
  });
  const seen = MILESTONES.map((milestone) =>
    milestones.has(milestone) ? paint('green', `✓ ${milestone}`) : `· ${milestone}`,
  );
  return [
    `demo ${bar} ${clock(elapsedMs)}  ${paint('bold', phase.name)}: ${phase.says}`,
    ...rows,
    `  seen: ${seen.join('   ')}`,
  ];
}

export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

function count(value: number | undefined): string {
  return String(value ?? '?').padStart(2);
}
