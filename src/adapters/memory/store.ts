import { describeLayoutConflict, type Layout, type Store } from '../../ports/store.ts';
import { StoreError } from '../../ports/store-error.ts';
import { MemoryCatalogue } from './catalogue.ts';
import { MemoryControls } from './controls.ts';
import { MemoryDutyKeeper } from './duties.ts';
import { MemoryLedger } from './ledger.ts';
import { Line } from './line.ts';
import { MemoryRoster } from './roster.ts';
import { MemoryStateKeeper } from './states.ts';
import type { MemoryWorld } from './world.ts';

/** One client of a memory world. Many of them on one world are many members; `line` is where a test makes trouble for one. */
export class MemoryStore implements Store {
  readonly roster: MemoryRoster;
  readonly duties: MemoryDutyKeeper;
  readonly catalogue: MemoryCatalogue;
  readonly states: MemoryStateKeeper;
  readonly ledger: MemoryLedger;
  readonly controls: MemoryControls;
  readonly line: Line;

  constructor(world: MemoryWorld, options: { name?: string } = {}) {
    this.line = new Line(world, options.name ?? '');
    this.roster = new MemoryRoster(this.line);
    this.duties = new MemoryDutyKeeper(this.line);
    this.catalogue = new MemoryCatalogue(this.line);
    this.states = new MemoryStateKeeper(this.line);
    this.ledger = new MemoryLedger(this.line);
    this.controls = new MemoryControls(this.line);
  }

  agree(layout: Layout): Promise<void> {
    return this.line.call('agree', () => {
      const { world } = this.line;
      world.layout ??= layout;
      const conflict = describeLayoutConflict(layout, world.layout);
      if (conflict) throw new StoreError('schema', conflict);
    });
  }

  readLayout(): Promise<Layout | undefined> {
    return this.line.call('readLayout', () => this.line.world.layout);
  }

  ping(): Promise<void> {
    return this.line.call('ping', () => {});
  }

  async close(): Promise<void> {
    this.line.close();
  }
}
