import type { Clock } from '../../../lib/clock.ts';
import { labelsOf, type MetricText } from '../../metrics/metric-text.ts';

const MAX_WINDOW_MS = 60_000;
const METHODS = new Set(['GET', 'HEAD', 'POST', 'DELETE']);

const REQUESTS = 'vertx_http_server_requests_total';
const TIME = 'vertx_http_server_response_time_seconds';

interface Series {
  readonly labels: string;
  requests: number;
  seconds: number;
  maxSeconds: number;
  maxBeforeSeconds: number;
}

/** Requests by what they asked for, under the names that dashboards of this server read. */
export class HttpMetrics {
  readonly #clock: Clock;
  readonly #series = new Map<string, Series>();
  #windowSinceMs: number;

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock;
    this.#windowSinceMs = clock.monotonicMs();
  }

  /** `route` is a template, never a path: what callers make up is no label. */
  add({ method, route, code }: { method: string; route: string; code: number }, seconds: number): void {
    this.#turnWindow();
    const labels = labelsOf({ method: METHODS.has(method) ? method : 'other', route, code: String(code) });
    let series = this.#series.get(labels);
    if (!series) {
      series = { labels, requests: 0, seconds: 0, maxSeconds: 0, maxBeforeSeconds: 0 };
      this.#series.set(labels, series);
    }
    series.requests += 1;
    series.seconds += seconds;
    series.maxSeconds = Math.max(series.maxSeconds, seconds);
  }

  write(page: MetricText): void {
    this.#turnWindow();
    page.declare(REQUESTS, 'counter', 'Requests answered.');
    page.declare(`${TIME}_sum`, 'counter', 'Seconds from the arrival of requests to the end of their answers.');
    page.declare(`${TIME}_count`, 'counter', 'Requests answered.');
    page.declare(`${TIME}_max`, 'gauge', 'The longest of them in the last one to two minutes.');
    for (const { labels, requests, seconds, maxSeconds, maxBeforeSeconds } of this.#series.values()) {
      page.add(REQUESTS, labels, requests);
      page.add(`${TIME}_sum`, labels, seconds);
      page.add(`${TIME}_count`, labels, requests);
      page.add(`${TIME}_max`, labels, Math.max(maxSeconds, maxBeforeSeconds));
    }
  }

  /** A maximum over all time would show one bad moment always. */
  #turnWindow(): void {
    const nowMs = this.#clock.monotonicMs();
    const passed = Math.floor((nowMs - this.#windowSinceMs) / MAX_WINDOW_MS);
    if (passed === 0) return;
    this.#windowSinceMs += passed * MAX_WINDOW_MS;
    for (const series of this.#series.values()) {
      series.maxBeforeSeconds = passed === 1 ? series.maxSeconds : 0;
      series.maxSeconds = 0;
    }
  }
}
