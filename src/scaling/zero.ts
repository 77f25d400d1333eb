import { type Aim, because, type DecisionContext, type Reasons } from './decision-context.ts';

/**
 * The way to zero and out of it, for every kind of policy: to zero only after no call for the whole idle time, watched
 * without a gap, and low load; and a call that is seen wakes a version at rest. Without an aim there is no answer, but for
 * that call: where no instance is, none reports, so waiting for load would never end.
 */
export function guardZero(context: DecisionContext, aim: Aim | undefined, reasons: Reasons): number | undefined {
  const { standing, activity, policy } = context;
  if (aim === undefined) return standing === 0 && activity === 'called' ? wake(context, reasons) : undefined;
  if (aim.count > 0 && !aim.low) return aim.count;
  // Where the load asks for several all the same, it is not the guard that keeps them.
  const isKept = aim.count === 0 || standing <= 1;
  switch (activity) {
    case 'idle':
      because(reasons, 'idle', { ...aim.low, idleSeconds: policy.idleTimeoutSeconds });
      return 0;
    case 'called':
      // The call that was seen may be one that waits where the load does not show it.
      if (aim.count === 0 && standing === 0) return wake(context, reasons);
      if (isKept) because(reasons, 'recent-invocation', { agoSeconds: calledAgoSeconds(context) });
      return Math.max(1, aim.count);
    case 'unproven':
      if (isKept) because(reasons, 'idle-unproven', { invocation: context.situation.signals.invocation.quality });
      // That calls cannot be seen keeps what is there, and wakes nothing.
      return standing === 0 ? aim.count : Math.max(1, aim.count);
    default:
      return activity satisfies never;
  }
}

function wake(context: DecisionContext, reasons: Reasons): number {
  because(reasons, 'capacity-missing', { calledAgoSeconds: calledAgoSeconds(context) });
  return 1;
}

function calledAgoSeconds({ situation }: DecisionContext): number {
  return Math.round((situation.nowMs - (situation.signals.invocation.lastMs ?? 0)) / 1000);
}
