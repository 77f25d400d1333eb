import { randomUUID } from 'node:crypto';

/** Randomness, handed in so that tests and simulation repeat. */
export interface Random {
  /** At least 0 and below 1. */
  next(): number;
  uuid(): string;
}

export const systemRandom: Random = { next: Math.random, uuid: randomUUID };
