/** A part of the host's memory, reserved for one instance until its process was reaped. */
export class Reservation {
  readonly bytes: number;
  #giveBack: ((bytes: number) => void) | undefined;

  constructor(bytes: number, giveBack: (bytes: number) => void) {
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
    giveBack?.(this.bytes);
  }
}

export interface MemoryLedgerOptions {
  /** What may be reserved for all instances together. */
  readonly budgetBytes: number;
  /** Kept for calls that functions make: their callers hold instances meanwhile and would wait for each other. */
  readonly keptForChildrenBytes: number;
  readonly onGivenBack?: () => void;
}

/** How much of the host's memory is reserved. Memory is reserved before a process is started, never after. */
export class MemoryLedger {
  readonly budgetBytes: number;
  readonly #keptForChildrenBytes: number;
  readonly #onGivenBack: () => void;
  #reservedBytes = 0;

  constructor({ budgetBytes, keptForChildrenBytes, onGivenBack = () => {} }: MemoryLedgerOptions) {
    this.budgetBytes = budgetBytes;
    this.#keptForChildrenBytes = keptForChildrenBytes;
    this.#onGivenBack = onGivenBack;
  }

  get reservedBytes(): number {
    return this.#reservedBytes;
  }

  /** What is left to be reserved. */
  freeBytes({ forChild }: { forChild: boolean }): number {
    return Math.max(0, this.budgetBytes - (forChild ? 0 : this.#keptForChildrenBytes) - this.#reservedBytes);
  }

  reserve(bytes: number, options: { forChild: boolean }): Reservation | undefined {
    if (bytes > this.freeBytes(options)) return undefined;
    this.#reservedBytes += bytes;
    return new Reservation(bytes, (given) => {
      this.#reservedBytes -= given;
      this.#onGivenBack();
    });
  }
}
