import { Worker } from 'node:worker_threads';
import { fail } from '@caponier/protocol';
import { unknown, type Verdict } from '../verdict.ts';
import type { Ask, Told } from './thread.ts';

/** Milliseconds the detectors may take over one text; then it is `unknown`. */
export const MAX_INSPECT_MS = 2_000;

/** Texts that may wait at once; above it `classify.busy`. */
export const MAX_WAITING = 64;

/** Milliseconds the thread may take to load the detectors. */
const MAX_START_MS = 20_000;

/** Judges texts. What a program of ours uses; a simulator gives its own. */
export interface Detector {
  /** Never rejects for what the text is: a text that cannot be judged in time is `unknown`. Throws `classify.busy`. */
  inspect(text: string): Promise<Verdict>;
  close(): Promise<void>;
}

interface Waiting {
  readonly text: string;
  resolve(verdict: Verdict): void;
}

/**
 * Threat: a text made so that an expression never ends. Measure: one text at a time in a thread of its own, ended when
 * its time is over and started anew for the next text. What remains: who may classify may make others wait for
 * `MAX_INSPECT_MS` a text; ceilings of the grant bound that.
 */
export function openDetector(options: { readonly maxInspectMs?: number } = {}): Detector {
  return new ThreadDetector(options.maxInspectMs ?? MAX_INSPECT_MS);
}

class ThreadDetector implements Detector {
  readonly #maxInspectMs: number;
  #worker: Worker | undefined;
  #queue: Waiting[] = [];
  #current: Waiting | undefined;
  #timer: NodeJS.Timeout | undefined;
  #count = 0;
  #ready = false;
  #closed = false;

  constructor(maxInspectMs: number) {
    this.#maxInspectMs = maxInspectMs;
  }

  inspect(text: string): Promise<Verdict> {
    if (this.#closed || this.#queue.length >= MAX_WAITING) return Promise.reject(fail('classify.busy'));
    return new Promise((resolve) => {
      this.#queue.push({ text, resolve });
      this.#next();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of this.#queue.splice(0)) waiting.resolve(unknown);
    await this.#end();
  }

  #next(): void {
    if (this.#current) return;
    const waiting = this.#queue.shift();
    if (!waiting) {
      this.#worker?.unref();
      return;
    }
    this.#current = waiting;
    if (this.#ready) this.#send();
    else this.#start();
    this.#worker?.ref();
  }

  #send(): void {
    this.#limit(this.#maxInspectMs);
    this.#worker!.postMessage({ id: ++this.#count, text: this.#current!.text } satisfies Ask);
  }

  #start(): void {
    // Built packages hold `.js`; tsc does not rewrite addresses made with `new URL`.
    const name = import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js';
    const worker = new Worker(new URL(name, import.meta.url), { execArgv: [], stdout: true, stderr: true });
    this.#worker = worker;
    this.#limit(MAX_START_MS);
    // Read and dropped: what a library prints may quote the text.
    worker.stdout.resume();
    worker.stderr.resume();
    worker.on('message', (told: Told) => {
      if (worker !== this.#worker) return;
      if ('ready' in told) {
        this.#ready = true;
        if (this.#current) this.#send();
      } else if (told.id === this.#count) {
        clearTimeout(this.#timer);
        this.#settle(told.verdict);
      }
    });
    const lost = () => {
      if (worker === this.#worker) void this.#end();
    };
    worker.on('error', lost);
    worker.on('exit', lost);
  }

  #limit(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#end(), ms);
  }

  async #end(): Promise<void> {
    clearTimeout(this.#timer);
    const worker = this.#worker;
    this.#worker = undefined;
    this.#ready = false;
    const ended = worker?.terminate();
    this.#settle(unknown);
    await ended;
  }

  #settle(verdict: Verdict): void {
    const waiting = this.#current;
    this.#current = undefined;
    waiting?.resolve(verdict);
    if (!this.#closed) this.#next();
  }
}
