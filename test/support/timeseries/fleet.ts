import { createHash } from 'node:crypto';
import type { WrittenSeries } from './remote-write.ts';

export interface FleetOptions {
  readonly versions: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs?: number;
  readonly instancesPerVersion?: number;
  readonly threadsPerInstance?: number;
  /** The label that the scrape would add with `hashmod`; none when undefined. */
  readonly bucketLabel?: string | undefined;
  readonly bucketCount?: number;
}

const BORN_WITHIN_MS = 10 * 60_000;

/** A made-up fleet: the same index gives the same ids and the same load in every run. */
export function fleetVersion(index: number): { versionId: string; functionId: string; account: string } {
  return { versionId: uuidOf(`version ${index}`), functionId: uuidOf(`function ${index}`), account: 'account-1' };
}

/**
 * Worker and request series of a fleet, each instance with its own scrape phase: two in five versions are idle, two in
 * five busy, and one in five is born within the span. This is what a scrape of such a fleet leaves in a store.
 */
export function* fleetSeries(options: FleetOptions): Generator<WrittenSeries> {
  const { versions, startMs, endMs, stepMs = 15_000, instancesPerVersion = 2, threadsPerInstance = 4 } = options;
  for (let index = 0; index < versions; index += 1) {
    const ids = fleetVersion(index);
    const identity: Record<string, string> = {
      function_id: ids.functionId,
      function_version_id: ids.versionId,
      nca_id: ids.account,
    };
    if (options.bucketLabel)
      identity[options.bucketLabel] = String(hashmod(ids.versionId, options.bucketCount ?? 1024));
    const kind = index % 5;
    const busyShare = kind < 2 ? 0 : 0.1 + 0.8 * fraction(`load ${index}`);
    const bornMs = kind === 4 ? startMs + BORN_WITHIN_MS * fraction(`birth ${index}`) : startMs;
    for (let instance = 0; instance < instancesPerVersion; instance += 1) {
      const timesMs = scrapeTimes({ fromMs: bornMs, endMs, stepMs, phase: fraction(`phase ${index} ${instance}`) });
      const labels = {
        ...identity,
        environment: 'prod',
        instance: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:${9100 + instance}`,
        instance_id: `i-${index.toString(16)}-${instance}`,
        job: 'worker',
      };
      const busyPerSecond = busyShare * threadsPerInstance;
      yield {
        labels: { ...labels, __name__: 'nvcf_worker_service_worker_thread_busy_seconds_total' },
        timesMs,
        values: timesMs.map((atMs) => Math.round(((atMs - bornMs) / 1000) * busyPerSecond * 1000) / 1000),
      };
      yield {
        labels: { ...labels, __name__: 'nvcf_worker_service_worker_thread_count_total' },
        timesMs,
        values: timesMs.map(() => threadsPerInstance),
      };
    }
    const timesMs = scrapeTimes({ fromMs: bornMs, endMs, stepMs, phase: fraction(`gateway ${index}`) });
    yield {
      labels: {
        ...identity,
        aws_env: 'prd',
        instance: '10.0.0.1:8080',
        job: 'gateway',
        __name__: 'function_request_total',
      },
      timesMs,
      values: timesMs.map((atMs) => (kind < 2 ? 17 : Math.floor(((atMs - bornMs) / 1000) * (0.2 + busyShare)))),
    };
    yield {
      labels: {
        ...identity,
        environment: 'production',
        instance: '10.0.0.2:8080',
        job: 'control-plane',
        __name__: 'nvcf_function_instances_current',
      },
      timesMs,
      values: timesMs.map(() => instancesPerVersion),
    };
  }
}

export function scrapeTimes(options: { fromMs: number; endMs: number; stepMs: number; phase: number }): Float64Array {
  const firstMs =
    Math.ceil(options.fromMs / options.stepMs) * options.stepMs + Math.floor(options.phase * options.stepMs);
  const count = Math.max(0, Math.floor((options.endMs - firstMs) / options.stepMs) + 1);
  return Float64Array.from({ length: count }, (_, index) => firstMs + index * options.stepMs);
}

/** What Prometheus' relabelling action `hashmod` gives: the last eight bytes of MD5, big endian, modulo. */
export function hashmod(text: string, modulus: number): number {
  return Number(createHash('md5').update(text).digest().readBigUInt64BE(8) % BigInt(modulus));
}

function uuidOf(text: string): string {
  const hex = createHash('md5').update(text).digest('hex');
  const uuid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  // Copied: pieces put together stay a tree of pieces, which takes several times the memory.
  return Buffer.from(uuid, 'latin1').toString('latin1');
}

/** At least 0 and below 1, always the same for the same text. */
function fraction(text: string): number {
  return createHash('md5').update(text).digest().readUInt32BE(0) / 2 ** 32;
}
