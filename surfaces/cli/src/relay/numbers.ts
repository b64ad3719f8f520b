import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { MetricDocument } from '@caponier/host';
import { homePath } from '@caponier/host/home';
import { fail } from '@caponier/protocol';
import { wholeNumber } from '../flags.ts';
import { metricsSocket } from '../services/operating.ts';

/** Milliseconds for the relay beside us to answer. */
const answerMs = 5_000;
/** Bytes of an answer: some hundred rows are a few hundred KiB. */
const maxAnswerBytes = 8 * 1024 * 1024;

/** The numbers of one process, found by name. */
export class Numbers {
  readonly #metrics: ReadonlyMap<string, MetricDocument>;

  constructor(documents: readonly MetricDocument[]) {
    this.#metrics = new Map(documents.map((document) => [document.name, document]));
  }

  has(name: string): boolean {
    return this.#metrics.has(name);
  }

  /** The one row of a gauge; undefined where it could not be said. */
  one(name: string): number | undefined {
    return this.#metrics.get(name)?.values[0]?.value;
  }

  /** A label of an `info` row. */
  label(name: string, label: string): string {
    return String(this.#metrics.get(name)?.values[0]?.labels[label] ?? '');
  }

  /** All rows of something, by a label. */
  rows(name: string, label: string): ReadonlyMap<string, number> {
    const rows = this.#metrics.get(name)?.values ?? [];
    return new Map(rows.map(({ labels, value }) => [String(labels[label] ?? ''), value]));
  }

  /** Rows of a counter that are not 0, most first. */
  counts(name: string, label: string): [value: string, count: number][] {
    return [...this.rows(name, label)].filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
  }

  /** How many a histogram has seen. */
  count(name: string): number {
    return this.#metrics.get(name)?.values.find(({ metricName }) => metricName === `${name}_count`)?.value ?? 0;
  }

  /**
   * Below which value (seconds) a share of what a histogram has seen lies, evenly spread within a bucket; undefined where it
   * has seen nothing, or where it lies above all buckets.
   */
  quantile(name: string, share: number): number | undefined {
    const total = this.count(name);
    if (total === 0) return undefined;
    let [low, below] = [0, 0];
    for (const { metricName, labels, value } of this.#metrics.get(name)?.values ?? []) {
      if (metricName !== `${name}_bucket`) continue;
      const top = Number(labels.le);
      if (value >= share * total) {
        if (!Number.isFinite(top)) return undefined;
        return low + ((top - low) * (share * total - below)) / Math.max(1, value - below);
      }
      [low, below] = [top, value];
    }
    return undefined;
  }
}

const socketPath = (): string => join(homePath(process.env), 'run', metricsSocket('relay'));

/** Whether somebody may answer on the socket of this home: a relay that was killed leaves it behind. */
export const mayAnswer = (): boolean => existsSync(socketPath());

/** Asks the relay of this home on its socket, or any on this machine by its port. Throws `cli.not_ready`, `cli.usage`. */
export async function readNumbers(port: unknown): Promise<Numbers> {
  const number = wholeNumber(port, '--metrics-port', 1, 65_535);
  const path = socketPath();
  if (number === undefined && !mayAnswer()) throw fail('cli.not_ready', 'no relay runs in this home');
  const numbers = new Numbers(
    await ask(number === undefined ? { socketPath: path } : { host: '127.0.0.1', port: number }),
  );
  if (numbers.label('caponier_info', 'service') !== 'relay') throw fail('cli.not_ready', 'that is no relay');
  return numbers;
}

function ask(where: { socketPath: string } | { host: string; port: number }): Promise<MetricDocument[]> {
  const options = { ...where, path: '/metrics.json', headers: { host: 'localhost' }, timeout: answerMs, agent: false };
  return new Promise((resolve, reject) => {
    const broken = (cause?: unknown) => reject(fail('cli.not_ready', 'the relay does not answer', cause));
    const asked = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
        if (text.length > maxAnswerBytes) asked.destroy();
      });
      response.on('error', broken);
      response.on('end', () => {
        try {
          if (response.statusCode !== 200) throw new Error(String(response.statusCode));
          resolve(JSON.parse(text) as MetricDocument[]);
        } catch (error) {
          broken(error);
        }
      });
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', broken);
    asked.end();
  });
}
