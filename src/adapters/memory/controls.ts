import type { Control, ControlKind } from '../../domain/control.ts';
import type { Controls } from '../../ports/controls.ts';
import type { Line } from './line.ts';

export class MemoryControls implements Controls {
  readonly #line: Line;

  constructor(line: Line) {
    this.#line = line;
  }

  list(nowMs: number): Promise<Control[]> {
    return this.#line.call('controls.list', () =>
      [...this.#line.world.controls.values()].filter(({ until }) => until > nowMs),
    );
  }

  put(control: Control): Promise<void> {
    return this.#line.call('controls.put', () => {
      const versionId = control.kind === 'freeze-release' ? '' : control.versionId;
      this.#line.world.controls.set(keyOf(control.kind, versionId), control);
    });
  }

  remove(kind: ControlKind, versionId: string): Promise<void> {
    return this.#line.call('controls.remove', () => {
      this.#line.world.controls.delete(keyOf(kind, versionId));
    });
  }
}

function keyOf(kind: ControlKind, versionId: string): string {
  return `${kind}/${versionId}`;
}
