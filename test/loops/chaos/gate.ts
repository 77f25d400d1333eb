import type { Clock } from '../../../src/lib/clock.ts';
import type { SeededRandom } from '../../support/seeded-random.ts';

/** What a process gets to know: while the gate is shut no timer fires and no answer arrives, as under SIGSTOP. */
export class Gate {
  readonly #random: SeededRandom;
  #held: Array<() => void> = [];
  #isShut = false;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  get isShut(): boolean {
    return this.#isShut;
  }

  shut(): void {
    this.#isShut = true;
  }

  /** Everything that was held comes at once, in any order. */
  open(): void {
    this.#isShut = false;
    const held = this.#random.shuffle(this.#held);
    this.#held = [];
    for (const go of held) this.pass(go);
  }

  pass(go: () => void): void {
    if (this.#isShut) this.#held.push(go);
    else go();
  }

  /** The same object, whose answers come through the gate. */
  guard<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (_target, name) => {
        const member = Reflect.get(target, name, target) as unknown;
        if (typeof member !== 'function') return member;
        return (...given: unknown[]) => {
          const answer: unknown = Reflect.apply(member, target, given);
          return answer instanceof Promise ? this.#after(answer) : answer;
        };
      },
    });
  }

  #after<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      answer.then(
        (value) => this.pass(() => resolve(value)),
        (error: unknown) => this.pass(() => reject(error)),
      );
    });
  }
}

/** The clocks of one machine: its wall clock may be off, and its monotonic one does not count the time it slept. */
export class MachineClock implements Clock {
  readonly #world: Clock;
  readonly #gate: Gate;
  #sleptMs = 0;
  wallOffsetMs = 0;

  constructor(world: Clock, gate: Gate) {
    this.#world = world;
    this.#gate = gate;
  }

  monotonicMs(): number {
    return this.#world.monotonicMs() - this.#sleptMs;
  }

  wallMs(): number {
    return this.#world.wallMs() + this.wallOffsetMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    let isCancelled = false;
    const cancel = this.#world.after(delayMs, () => this.#gate.pass(() => isCancelled || callback()));
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  slept(forMs: number): void {
    this.#sleptMs += forMs;
  }
}
