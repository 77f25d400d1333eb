import type { ControlPlane } from '../../control-plane/control-plane.ts';
import type { Deployer } from '../../control-plane/deployer.ts';
import type { StartWatch } from '../../control-plane/start-watch.ts';
import type { DialectTools } from '../dialect.ts';
import type { FunctionFinder } from '../function-finder.ts';

/** What the platform's own dialect is made from: more than the others get. */
export interface NativeOptions extends DialectTools {
  readonly controlPlane: ControlPlane;
  readonly deployer: Deployer;
  readonly starts: StartWatch;
  readonly isReady: () => boolean;
  readonly version: string;
  /** On every series, such as the environment. */
  readonly metricLabels: Readonly<Record<string, string>>;
}

export interface NativeTools extends NativeOptions {
  readonly functions: FunctionFinder;
}
