import type { Attributes, Counter, Histogram, ObservableResult } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type CollectionResult,
  type IMetricReader,
  InstrumentType,
  MeterProvider,
  MetricReader,
} from '@opentelemetry/sdk-metrics';
import { CATALOGUE, type CounterName, type GaugeName, type HistogramName, type MetricEntry } from './catalogue.ts';
import type { Labels, Meters } from './meters.ts';

/** The SDK folds what lies beyond into one overflow series; its own 2,000 would not hold a series per bucket and more. */
const SERIES_MAX = 4096;

/** A reader that is read by each scrape. */
export class ScrapeReader extends MetricReader {
  constructor() {
    super({ aggregationTemporalitySelector: temporalityOf });
  }
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/**
 * Counters and histograms are cumulative. Gauges are asked for as deltas, because only then does the SDK forget a series
 * that is no longer observed; a gauge is its last value either way.
 */
export function temporalityOf(type: InstrumentType): AggregationTemporality {
  return type === InstrumentType.OBSERVABLE_GAUGE ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
}

interface GaugePoint {
  readonly labels: Attributes;
  readonly value: number;
}

/** Writes the numbers of the catalogue into the OpenTelemetry SDK. One reader only: the SDK hoards for readers that do not read. */
export class OtelMeters implements Meters {
  readonly #reader: IMetricReader;
  readonly #provider: MeterProvider;
  readonly #counters = new Map<string, Counter>();
  readonly #histograms = new Map<string, Histogram>();
  readonly #gauges = new Map<string, Map<string, GaugePoint>>();
  readonly #refreshers: (() => void)[] = [];

  constructor(options: { reader: IMetricReader; resource: Attributes }) {
    this.#reader = options.reader;
    this.#provider = new MeterProvider({
      resource: resourceFromAttributes(options.resource),
      readers: [options.reader],
      views: [{ instrumentName: '*', aggregationCardinalityLimit: SERIES_MAX }],
    });
    const meter = this.#provider.getMeter('starling');
    for (const { name, kind, unit, help, labels, boundaries } of CATALOGUE as readonly MetricEntry[]) {
      const description = { description: help, unit };
      if (kind === 'counter') {
        const counter = meter.createCounter(name, description);
        // So that the first failure is an increase and not the birth of a series.
        if (labels.length === 0) counter.add(0);
        this.#counters.set(name, counter);
      } else if (kind === 'histogram') {
        const advice = boundaries ? { advice: { explicitBucketBoundaries: [...boundaries] } } : {};
        this.#histograms.set(name, meter.createHistogram(name, { ...description, ...advice }));
      } else {
        const points = new Map<string, GaugePoint>();
        // Callbacks run in order, so what the first one refreshes is there for all of them.
        const isFirst = this.#gauges.size === 0;
        this.#gauges.set(name, points);
        meter.createObservableGauge(name, description).addCallback((result: ObservableResult) => {
          if (isFirst) for (const refresh of this.#refreshers) refresh();
          for (const point of points.values()) result.observe(point.value, point.labels);
        });
      }
    }
  }

  add(name: CounterName, value: number, labels?: Labels): void {
    // One NaN would make the counter NaN from then on.
    if (value >= 0 && Number.isFinite(value)) this.#counters.get(name)?.add(value, attributesOf(labels));
  }

  record(name: HistogramName, value: number, labels?: Labels): void {
    if (Number.isFinite(value)) this.#histograms.get(name)?.record(value, attributesOf(labels));
  }

  set(name: GaugeName, value: number, labels?: Labels): void {
    const points = this.#gauges.get(name);
    if (!points) return;
    const attributes = attributesOf(labels);
    const key = JSON.stringify(attributes);
    if (Number.isNaN(value)) points.delete(key);
    else if (points.has(key) || points.size < SERIES_MAX - 1) points.set(key, { labels: attributes, value });
  }

  /** Runs before each collection, for numbers that are only worth asking for then. */
  beforeCollect(refresh: () => void): void {
    this.#refreshers.push(refresh);
  }

  collect(): Promise<CollectionResult> {
    return this.#reader.collect();
  }

  async shutdown(): Promise<void> {
    await this.#provider.shutdown();
  }
}

/** Label values are text, so that 5 and '5' are not two series. */
function attributesOf(labels: Labels | undefined): Attributes {
  if (!labels) return {};
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(labels)) attributes[name] = String(value);
  return attributes;
}
