import type { Control } from '../domain/control.ts';
import { because, type Preconditions, type Reasons } from './decision-context.ts';

type Pause = Extract<Control, { kind: 'pause' }>;
type Override = Extract<Control, { kind: 'override' }>;

export interface ActiveControls {
  readonly pause: Pause | undefined;
  readonly override: Override | undefined;
}

const NO_CONTROLS: ActiveControls = { pause: undefined, override: undefined };

/** The controls that are in force. Of two of a kind the one that ends later. */
export function activeControls(controls: readonly Control[], nowMs: number): ActiveControls {
  if (controls.length === 0) return NO_CONTROLS;
  let pause: Pause | undefined;
  let override: Override | undefined;
  for (const control of controls) {
    if (!(control.until > nowMs)) continue;
    if (control.kind === 'pause' && !(pause && pause.until >= control.until)) pause = control;
    if (control.kind === 'override' && !(override && override.until >= control.until)) override = control;
  }
  return { pause, override };
}

/**
 * What operators asked for comes last and overrules load, pace and freeze. A pause beats an override: the
 * operator who paused it may be in the middle of something.
 */
export function applyControls(
  preconditions: Preconditions,
  { pause, override }: ActiveControls,
  wanted: number,
  reasons: Reasons,
): number {
  if (pause) {
    because(reasons, 'paused', { by: pause.by, why: pause.why, until: pause.until, instead: wanted });
    return preconditions.standing;
  }
  if (!override) return wanted;
  const asked = Math.max(0, Math.round(Number.isFinite(override.wanted) ? override.wanted : preconditions.standing));
  const { instancesMin: min, instancesMax: max } = preconditions.target;
  const given = preconditions.situation.settings.overrideIgnoresBounds ? asked : Math.min(Math.max(asked, min), max);
  const { by, why, until } = override;
  because(reasons, 'overridden', { wanted: asked, by, why, until, instead: wanted });
  if (given > asked) because(reasons, 'floor', { min, aim: asked });
  if (given < asked) because(reasons, 'ceiling', { max, aim: asked });
  return given;
}
