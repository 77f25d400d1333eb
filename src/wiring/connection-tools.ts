import type { Logger } from 'pino';
import type { TlsMaterial } from '../adapters/wire/tls.ts';
import type { Live } from '../config/live-files.ts';
import type { TlsMaterial as LiveMaterial, Secrets } from '../config/secrets.ts';
import type { Clock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import type { Meters } from '../telemetry/meters.ts';

/** What a connection to a store, a time-series store or a control plane is opened with. */
export interface ConnectionTools {
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly random: Random;
  readonly meters: Meters;
  readonly logger: Logger;
}

/** What a client needs for TLS as it is at this moment: the files may be new since it asked last. */
export function tlsOf(
  material: Live<LiveMaterial> | undefined,
  { serverName, insecure }: { serverName?: string | undefined; insecure: boolean },
): TlsMaterial {
  const { ca, cert, key } = material?.current() ?? {};
  return { ca, cert, key: key?.reveal(), serverName, insecure };
}
