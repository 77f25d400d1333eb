/** A part of the host's memory, reserved for one instance until its process was reaped. */
export class Reservation {
  readonly bytes: number;
  #giveBack: (() => void) | undefined;

  constructor(bytes: number, giveBack: () => void) {
    this.bytes = bytes;
    this.#giveBack = giveBack;
  }

  get isHeld(): boolean {
    return this.#giveBack !== undefined;
  }

  /** Once; again does nothing. */
  giveBack(): void {
    const giveBack = this.#giveBack;
    this.#giveBack = undefined;
    giveBack?.();
  }
}

/** How much of the host's memory is reserved. Memory is reserved before a process is started, never after. */
export class MemoryLedger {
  /** What may be reserved for all instances together. */
  readonly budgetBytes: number;
  reservedBytes = 0;
  /** Kept for calls that functions make: their callers hold instances meanwhile and would wait for each other. */
  readonly #keptForChildrenBytes: number;
  readonly #onGivenBack: () => void;

  constructor(options: { budgetBytes: number; keptForChildrenBytes: number; onGivenBack: () => void }) {
    this.budgetBytes = options.budgetBytes;
    this.#keptForChildrenBytes = options.keptForChildrenBytes;
    this.#onGivenBack = options.onGivenBack;
  }

  /** What is left to be reserved. */
  freeBytes({ forChild }: { forChild: boolean }): number {
    return Math.max(0, this.budgetBytes - (forChild ? 0 : this.#keptForChildrenBytes) - this.reservedBytes);
  }

  reserve(bytes: number, options: { forChild: boolean }): Reservation | undefined {
    if (bytes > this.freeBytes(options)) return undefined;
    this.reservedBytes += bytes;
    return new Reservation(bytes, () => {
      this.reservedBytes -= bytes;
      this.#onGivenBack();
    });
  }
}
