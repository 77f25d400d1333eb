import type { ControlPlaneDouble } from './control-plane-double.ts';
import type { VersionSeed } from './double-fleet.ts';
import type { FaultRule, Reply } from './faults.ts';

/** How a drill in another process looks into a double and breaks it. Trusts its caller: this is test equipment. */
export function answerDoubleCall(double: ControlPlaneDouble, method: string, path: string, body: unknown): Reply {
  const [, , noun, argument] = path.split('/');
  switch (`${method} ${noun}`) {
    case 'GET history':
      return { status: 200, body: { history: double.fleet.history.slice(Number(argument ?? 0)) } };
    case 'GET counts':
      return { status: 200, body: { versions: double.fleet.size, writes: double.fleet.history.length } };
    case 'PUT versions':
      for (const seed of body as VersionSeed[]) double.fleet.put(seed);
      return { status: 204 };
    case 'DELETE versions':
      double.fleet.remove(decodeURIComponent(argument ?? ''), { isRemembered: true });
      return { status: 204 };
    case 'POST faults':
      for (const rule of body as FaultRule[]) double.faults.inject(rule);
      return { status: 204 };
    case 'DELETE faults':
      double.faults.clear();
      return { status: 204 };
    case 'DELETE tokens':
      double.issuer.revokeAll();
      return { status: 204 };
    default:
      return { status: 404, body: { detail: `the double knows no ${method} ${path}` } };
  }
}
