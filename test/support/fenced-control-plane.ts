import type { Actuation, Wish } from '../../src/domain/actuation.ts';
import type { FunctionVersion } from '../../src/domain/function-version.ts';
import type { Target } from '../../src/domain/target.ts';
import type { Actuator, FencingStrength } from '../../src/ports/actuator.ts';
import type { TargetAnswer, TargetSource } from '../../src/ports/target-source.ts';

const ANSWER: Actuation = {
  outcome: 'applied',
  status: 200,
  detail: '',
  isGone: false,
  retryAfterMs: undefined,
  storedToken: undefined,
  instancesActive: undefined,
  instancesPending: undefined,
};

type Fault = (wish: Wish) => Actuation | Promise<Actuation> | undefined;

/** A control plane behind the ports that checks tokens by the contract's rule, keeps what it was told, and fails on demand. */
export class FencedControlPlane implements Actuator, TargetSource {
  readonly strength: FencingStrength;
  readonly sent: Wish[] = [];
  readonly counts = new Map<string, number>();
  readonly targets = new Map<string, TargetAnswer>();
  isSourceDown = false;
  /** Asked before the wish is looked at; undefined lets it through. */
  fault: Fault = () => undefined;
  isDry: (version: FunctionVersion) => boolean = () => false;
  readonly #tokens = new Map<string, bigint>();

  constructor(strength: FencingStrength = 'fenced') {
    this.strength = strength;
  }

  isDryRun(version: FunctionVersion): boolean {
    return this.isDry(version);
  }

  async admit(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
  }

  async actuate(wish: Wish): Promise<Actuation> {
    this.sent.push(wish);
    const fault = await this.fault(wish);
    if (fault) return fault;
    return this.accept(wish);
  }

  /** What the control plane does with a wish that reaches it, however late. */
  accept(wish: Wish): Actuation {
    const storedToken = this.#tokens.get(wish.versionId);
    if (this.strength === 'fenced' && storedToken !== undefined && wish.token <= storedToken) {
      return { ...ANSWER, outcome: 'fenced', status: 409, storedToken };
    }
    this.#tokens.set(wish.versionId, wish.token);
    this.counts.set(wish.versionId, wish.wanted);
    return ANSWER;
  }

  know(target: Partial<Target> & { versionId: string }): void {
    this.targets.set(target.versionId, {
      state: 'known',
      ageMs: 0,
      target: {
        functionId: 'f1',
        account: 'a1',
        status: 'ACTIVE',
        instancesMin: 0,
        instancesMax: 100,
        concurrency: 1,
        policy: undefined,
        instancesActive: undefined,
        instancesPending: undefined,
        ...target,
      },
    });
  }

  async refresh(): Promise<{ ok: boolean; detail: string }> {
    return this.isSourceDown ? { ok: false, detail: 'down' } : { ok: true, detail: '' };
  }

  get(versionId: string): TargetAnswer {
    return this.targets.get(versionId) ?? { state: 'unknown', detail: 'never heard of' };
  }
}

export function anActuation(changes: Partial<Actuation>): Actuation {
  return { ...ANSWER, ...changes };
}
