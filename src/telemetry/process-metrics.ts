import { readdirSync } from 'node:fs';
import { constants, monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { OtelMeters } from './otel-meters.ts';

const GC_KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};
const STATISTICS = { p50: 50, p99: 99, max: 100 } as const;

/** Watches the process itself. Returns how to stop. */
export function watchProcess(meters: OtelMeters): () => void {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const kind = GC_KINDS[(entry as { detail?: { kind?: number } }).detail?.kind ?? 0] ?? 'other';
      meters.record('starling_gc_duration_seconds', entry.duration / 1000, { kind });
    }
  });
  observer.observe({ entryTypes: ['gc'] });

  let utilisation = performance.eventLoopUtilization();
  let cpuSeconds = 0;
  meters.set('process_start_time_seconds', performance.timeOrigin / 1000);
  meters.beforeCollect(() => {
    const { user, system } = process.cpuUsage();
    const nowSeconds = (user + system) / 1e6;
    meters.add('process_cpu_seconds_total', nowSeconds - cpuSeconds);
    cpuSeconds = nowSeconds;

    const memory = process.memoryUsage();
    meters.set('process_resident_memory_bytes', memory.rss);
    meters.set('starling_heap_used_bytes', memory.heapUsed);
    meters.set('starling_heap_limit_bytes', getHeapStatistics().heap_size_limit);
    meters.set('process_open_fds', openFiles());

    for (const [statistic, percentile] of Object.entries(STATISTICS)) {
      // Nanoseconds. Without a tick since the last reset the percentiles mean nothing.
      const seconds = delay.count > 0 ? delay.percentile(percentile) / 1e9 : Number.NaN;
      meters.set('starling_event_loop_delay_seconds', seconds, { statistic });
    }
    delay.reset();
    const current = performance.eventLoopUtilization();
    const since = performance.eventLoopUtilization(current, utilisation);
    meters.set('starling_event_loop_utilisation_ratio', since.utilization);
    utilisation = current;
  });
  return () => {
    delay.disable();
    observer.disconnect();
  };
}

/** Linux only; NaN leaves the series out elsewhere. */
function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return Number.NaN;
  }
}
