import type { ReceivedConfiguration } from '../../contract/autoscaling-configuration.ts';
import type { FunctionStatus, VersionRecord } from '../model/function-record.ts';

/** DELETED stands for what is gone; nothing that is kept has it. */
export type VersionStatus = Exclude<FunctionStatus, 'DELETED'>;

/** A version with what the control plane shows of it. */
export interface RegisteredVersion extends VersionRecord {
  /** Counts up per function, from 1. */
  readonly number: number;
  readonly account: string;
  readonly codeHash: string;
  readonly status: VersionStatus;
  /** Why it is ERRORED; empty otherwise. */
  readonly statusDetail: string;
  readonly deploymentId: string;
  readonly specificationId: string;
  /** The custom policy as it came over the wire of the control plane; undefined: none. */
  readonly configuration: ReceivedConfiguration | undefined;
  /** A policy document given to this platform; the later of the two is kept. */
  readonly policy: unknown;
}
