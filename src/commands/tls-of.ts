import type { TlsMaterial } from '../adapters/wire/tls.ts';
import type { Live } from '../config/live-files.ts';
import type { TlsMaterial as LiveMaterial } from '../config/secrets.ts';

/** What a client needs for TLS as it is at this moment: the files may be new since it asked last. */
export function tlsOf(
  material: Live<LiveMaterial> | undefined,
  { serverName, insecure }: { serverName?: string | undefined; insecure: boolean },
): TlsMaterial {
  const { ca, cert, key } = material?.current() ?? {};
  return { ca, cert, key: key?.reveal(), serverName, insecure };
}
