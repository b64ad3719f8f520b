import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { createLog, createMetrics, exportMetrics, type Metrics } from '../src/index.ts';
import { until } from './helpers.ts';

/** The parts of opentelemetry-proto that are sent, as its JSON mapping has them (64-bit numbers as strings). */
const attributes = z.array(z.strictObject({ key: z.string(), value: z.strictObject({ stringValue: z.string() }) }));
const nanos = z.string().check(z.regex(/^\d{19}$/));
const whole = z.string().check(z.regex(/^\d+$/));
const point = z.strictObject({
  attributes,
  startTimeUnixNano: nanos,
  timeUnixNano: nanos,
  asDouble: z.number(),
});
const histogramPoint = z.strictObject({
  attributes,
  startTimeUnixNano: nanos,
  timeUnixNano: nanos,
  count: whole,
  sum: z.number(),
  bucketCounts: z.array(whole),
  explicitBounds: z.array(z.number()),
});
const named = { name: z.string(), description: z.string(), unit: z.string() };
const metric = z.union([
  z.strictObject({
    ...named,
    sum: z.strictObject({
      aggregationTemporality: z.literal(2),
      isMonotonic: z.literal(true),
      dataPoints: z.array(point),
    }),
  }),
  z.strictObject({ ...named, gauge: z.strictObject({ dataPoints: z.array(point) }) }),
  z.strictObject({
    ...named,
    histogram: z.strictObject({ aggregationTemporality: z.literal(2), dataPoints: z.array(histogramPoint) }),
  }),
]);
const request = z.strictObject({
  resourceMetrics: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes }),
      scopeMetrics: z.array(
        z.strictObject({ scope: z.strictObject({ name: z.string(), version: z.string() }), metrics: z.array(metric) }),
      ),
    }),
  ),
});

interface Collector {
  readonly endpoint: string;
  readonly bodies: string[];
  readonly paths: string[];
  status: number;
}

const servers: Server[] = [];
const stops: (() => void)[] = [];
const lines: Record<string, unknown>[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  lines.length = 0;
});

async function collect(): Promise<Collector> {
  const collector = { endpoint: '', bodies: [] as string[], paths: [] as string[], status: 200 };
  const server = createServer((asked, response) => {
    let body = '';
    asked.on('data', (part) => (body += part));
    asked.on('end', () => {
      collector.bodies.push(body);
      collector.paths.push(`${asked.method} ${asked.url} ${asked.headers['content-type']}`);
      response.writeHead(collector.status).end('{}');
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  collector.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return collector;
}

const log = createLog({ service: 'test', clock: () => 0, to: { write: (line) => void lines.push(JSON.parse(line)) } });

function start(endpoint: string, everyMs = 20): Metrics {
  const metrics = createMetrics({ service: 'relay', version: '1.2.3' });
  const meter = metrics.meter(
    'relay',
    { limit_hits: { label: 'limit', values: ['connections', 'streams'], help: 'Limits.' } },
    { hello: 'Proofs.' },
  );
  meter.add('limit_hits', 'streams', 3);
  meter.time('hello', 2);
  meter.time('hello', 2);
  meter.time('hello', 60_000);
  metrics.gauge({ name: 'relay_storage_bytes', help: 'Bytes.', sample: () => 42 });
  stops.push(exportMetrics({ metrics, service: 'relay', version: '1.2.3', endpoint, clock: Date.now, log, everyMs }));
  return metrics;
}

describe('an export', () => {
  it('has the form of OTLP, and the numbers of the registry', async () => {
    const collector = await collect();
    start(`${collector.endpoint}/`);
    await until(() => collector.bodies.length > 0);
    expect(collector.paths[0]).toBe('POST /v1/metrics application/json');
    const [{ resource, scopeMetrics }] = request.parse(JSON.parse(collector.bodies[0]!)).resourceMetrics as [
      z.infer<typeof request>['resourceMetrics'][number],
    ];
    expect(resource.attributes).toEqual([
      { key: 'service.name', value: { stringValue: 'caponier-relay' } },
      { key: 'service.version', value: { stringValue: '1.2.3' } },
    ]);
    const found = (name: string) => scopeMetrics[0]!.metrics.find((one) => one.name === name)!;
    expect(found('caponier_relay_limit_hits_total')).toMatchObject({
      unit: '1',
      sum: {
        dataPoints: [
          { attributes: [{ key: 'limit', value: { stringValue: 'connections' } }], asDouble: 0 },
          { attributes: [{ key: 'limit', value: { stringValue: 'streams' } }], asDouble: 3 },
        ],
      },
    });
    expect(found('caponier_relay_storage_bytes')).toMatchObject({
      unit: 'By',
      gauge: { dataPoints: [{ asDouble: 42 }] },
    });
    const hello = found('caponier_relay_hello_seconds') as {
      histogram: { dataPoints: z.infer<typeof histogramPoint>[] };
    };
    const [seen] = hello.histogram.dataPoints;
    expect(seen!.count).toBe('3');
    expect(seen!.bucketCounts).toHaveLength(seen!.explicitBounds.length + 1);
    expect(seen!.bucketCounts.reduce((sum, n) => sum + Number(n), 0)).toBe(3);
    expect(seen!.bucketCounts[seen!.explicitBounds.indexOf(0.0025)]).toBe('2');
    expect(seen!.bucketCounts.at(-1)).toBe('1');
  });

  it('that fails is counted, said once, and made up for by the next', async () => {
    const collector = await collect();
    collector.status = 503;
    const metrics = start(collector.endpoint);
    await until(() => collector.bodies.length >= 3);
    collector.status = 200;
    await until(() => lines.some(({ event }) => event === 'metrics.export_resumed'));
    expect(lines.filter(({ event }) => event === 'metrics.export_failed')).toEqual([
      expect.objectContaining({ status: 503 }),
    ]);
    expect(await metrics.text()).toMatch(/caponier_otlp_exports_total\{outcome="failed"\} ([3-9]|\d\d)/);
  });

  it('is one at a time, however slow the collector is', async () => {
    let open = 0;
    let most = 0;
    let all = 0;
    const server = createServer((_, response) => {
      all++;
      open++;
      most = Math.max(most, open);
      setTimeout(() => {
        open--;
        response.end();
      }, 50);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    start(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 5);
    await until(() => all === 4);
    expect(most).toBe(1);
  });
});

it.each([
  'http://collector.example',
  'ftp://127.0.0.1',
  'https://a:b@collector.example',
  'collector',
  'https://x.example/?k=v',
])('nothing is exported to %s', (endpoint) => expect(() => start(endpoint)).toThrow('--otlp-endpoint'));
