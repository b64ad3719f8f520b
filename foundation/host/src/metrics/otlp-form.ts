import type { MetricDocument } from './metrics.ts';

/** Sums count from the start of the process (opentelemetry-proto, metrics.proto: AGGREGATION_TEMPORALITY_CUMULATIVE). */
const CUMULATIVE = 2;

type Labels = Readonly<Record<string, string | number>>;

/** Who sends, and since when. */
export interface OtlpResource {
  readonly service: string;
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly started: number;
  readonly now: number;
}

/** 64-bit numbers are strings in JSON (proto3). */
const nanos = (milliseconds: number): string => `${BigInt(Math.round(milliseconds)) * 1_000_000n}`;
const attribute = (key: string, value: string) => ({ key, value: { stringValue: value } });
const attributesOf = (labels: Labels) => Object.entries(labels).map(([key, value]) => attribute(key, String(value)));

/** `…_seconds` and `…_bytes` have their unit in their name (UCUM: s, By). */
function unitOf(name: string): string {
  if (/_seconds(_total)?$/.test(name)) return 's';
  return /_bytes(_total)?$/.test(name) ? 'By' : '1';
}

/** The body of one `POST /v1/metrics` (OTLP/HTTP with JSON): everything that a registry holds, each kind in its form. */
export function otlpOf(documents: readonly MetricDocument[], { service, version, started, now }: OtlpResource): object {
  const times = { startTimeUnixNano: nanos(started), timeUnixNano: nanos(now) };
  // What cannot be said (the pause of an event loop that was not looked at yet) is left out: JSON has no word for it.
  const points = ({ values }: MetricDocument) =>
    values
      .filter(({ value }) => Number.isFinite(value))
      .map(({ labels, value }) => ({ attributes: attributesOf(labels), ...times, asDouble: value }));
  const formOf = (document: MetricDocument): object | undefined => {
    switch (document.type) {
      case 'counter':
        return { sum: { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints: points(document) } };
      case 'gauge':
        return { gauge: { dataPoints: points(document) } };
      case 'histogram':
        return {
          histogram: {
            aggregationTemporality: CUMULATIVE,
            dataPoints: histogramsOf(document).map((point) => ({ ...point, ...times })),
          },
        };
      default:
        return undefined;
    }
  };
  const metrics = documents.flatMap((document) => {
    const form = formOf(document);
    const { name, help } = document;
    return form ? [{ name, description: help, unit: unitOf(name), ...form }] : [];
  });
  const resource = {
    attributes: [attribute('service.name', `caponier-${service}`), attribute('service.version', version)],
  };
  return { resourceMetrics: [{ resource, scopeMetrics: [{ scope: { name: 'caponier', version }, metrics }] }] };
}

interface HistogramPoint {
  readonly attributes: object[];
  count: string;
  sum: number;
  readonly bucketCounts: string[];
  readonly explicitBounds: number[];
}

/** Prometheus counts each bucket with all below it, and names infinity; OTLP counts each alone, and does not. */
function histogramsOf({ name, values }: MetricDocument): HistogramPoint[] {
  const points = new Map<string, HistogramPoint & { below: number }>();
  for (const { metricName, labels, value } of values) {
    const { le, ...rest } = labels;
    const key = JSON.stringify(rest);
    const point = points.get(key) ?? {
      attributes: attributesOf(rest),
      count: '0',
      sum: 0,
      bucketCounts: [],
      explicitBounds: [],
      below: 0,
    };
    points.set(key, point);
    if (metricName === `${name}_sum`) point.sum = value;
    else if (metricName === `${name}_count`) point.count = String(value);
    else if (metricName === `${name}_bucket`) {
      point.bucketCounts.push(String(value - point.below));
      point.below = value;
      if (Number.isFinite(Number(le))) point.explicitBounds.push(Number(le));
    }
  }
  return [...points.values()].map(({ below: _, ...point }) => point);
}
