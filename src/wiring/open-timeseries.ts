import { loadProfiles } from '../adapters/prometheus/load-profiles.ts';
import { PrometheusSignalReader } from '../adapters/prometheus/prometheus-signal-reader.ts';
import { StoreClient } from '../adapters/prometheus/store-client.ts';
import type { Auth } from '../adapters/wire/auth.ts';
import type { Config } from '../config/config.ts';
import type { Secrets } from '../config/secrets.ts';
import { type ConnectionTools, tlsOf } from './connection-tools.ts';

export interface Timeseries {
  readonly client: StoreClient;
  readonly reader: PrometheusSignalReader;
  readonly profiles: Awaited<ReturnType<typeof loadProfiles>>;
  /** The longest span of a rate in use: for so long load fades whose source has fallen silent. */
  readonly fadeMs: number;
}

/** Rejects with a ProfileError, a start-up fault, when a profile cannot be used. */
export async function openTimeseries(
  config: Config,
  { secrets, clock, random, meters }: ConnectionTools,
): Promise<Timeseries> {
  const { timeseries, scaling, discovery } = config;
  const profiles = await loadProfiles({ names: timeseries.profiles, directory: timeseries.profilesDir });
  const material = secrets.tls('timeseries.tls', timeseries.tls);
  const client = new StoreClient({
    // Its address, limits and retries go by the same names as in the configuration.
    ...timeseries,
    clock,
    random,
    meters,
    auth: authOf(config, secrets),
    tls: () => tlsOf(material, timeseries.tls),
    breakerFailures: timeseries.breaker.failures,
    breakerOpenMs: timeseries.breaker.openForMs,
  });
  const reader = new PrometheusSignalReader({
    // Its labels and the sizes of its queries too.
    ...timeseries,
    client,
    profiles,
    clock,
    scrapeIntervalSeconds: timeseries.scrapeIntervalMs / 1000,
    rateSeconds: scaling.utilisationWindowMs === undefined ? undefined : scaling.utilisationWindowMs / 1000,
    presenceRecheckMs: discovery.intervalMs,
  });
  const rateScrapesMax = Math.max(...profiles.map(({ rateScrapes }) => rateScrapes));
  const fadeMs = scaling.utilisationWindowMs ?? rateScrapesMax * timeseries.scrapeIntervalMs;
  return { client, reader, profiles, fadeMs };
}

function authOf(config: Config, secrets: Secrets): Auth {
  const { auth } = config.timeseries;
  const password = secrets.secret('timeseries.auth.password', auth.password);
  const token = secrets.secret('timeseries.auth.token', auth.token);
  const readPassword = () => password?.current().reveal();
  switch (auth.kind) {
    case 'none':
    case 'mtls':
      // A client certificate is part of the TLS material, and nothing more is sent.
      return { kind: 'none' };
    case 'bearer':
      return { kind: 'bearer', token: () => token?.current().reveal() };
    case 'basic':
      return { kind: 'basic', user: () => auth.user, password: readPassword };
    case 'token-exchange':
      return {
        kind: 'token-exchange',
        exchangeUrl: auth.exchangeUrl ?? '',
        user: () => auth.user,
        password: readPassword,
        timeoutMs: auth.exchangeTimeoutMs,
        backoffMaxMs: auth.backoffMaxMs,
      };
    default:
      return auth.kind satisfies never;
  }
}
