import type { Logger } from 'pino';
import type { MemberId } from '../domain/member.ts';
import type { Clock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import type { Actuator } from '../ports/actuator.ts';
import type { SignalReader } from '../ports/signal-reader.ts';
import type { Store } from '../ports/store.ts';
import type { TargetSource } from '../ports/target-source.ts';
import type { Meters } from '../telemetry/meters.ts';

/** What one member is made with; each of its loops takes the part that it needs. */
export interface MemberParts {
  readonly memberId: MemberId;
  readonly version: string;
  readonly address: string;
  readonly weight: number;
  readonly store: Store;
  readonly reader: SignalReader;
  readonly targets: TargetSource;
  readonly actuator: Actuator;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meters: Meters;
}
