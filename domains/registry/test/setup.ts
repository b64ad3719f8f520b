import { copyFileSync, existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toBase64url } from '@caponier/crypto';
import { type Did, registryWire, type Signer, sign } from '@caponier/protocol';
import { type ManualClock, manualClock, seededRandom, testSigner } from '@caponier/testkit';
import {
  cosignCheckpoint,
  emptyRoot,
  type Head,
  logKey,
  type NoteKey,
  openCheckpoint,
  parseAddCheckpoint,
  verifyConsistency,
  witnessKey,
} from '@caponier/tlog';
import type { WireStatement } from '@caponier/verify';
import {
  type Admission,
  createRegistry,
  openRegistryStore,
  type Registry,
  type RegistryStore,
  type WitnessClient,
} from '../src/index.ts';

export const origin = 'log.example';
export const registrySigner = testSigner('registry');

/** A witness of C2SP tlog-witness in memory, which a test may take down, let forget, or make lie. */
export class TestWitness implements WitnessClient {
  readonly name: string;
  readonly signer: Signer;
  readonly key: NoteKey;
  readonly #clock: ManualClock;
  readonly heads = new Map<string, Head & { note: string }>();
  isDown = false;
  calls = 0;

  constructor(name: string, clock: ManualClock) {
    this.name = name;
    this.signer = testSigner(`witness ${name}`);
    this.key = witnessKey(name, this.signer.did);
    this.#clock = clock;
  }

  async addCheckpoint(body: string): Promise<{ status: number; text: string }> {
    this.calls += 1;
    if (this.isDown) throw new Error('down');
    const { oldSize, proof, checkpoint: note } = parseAddCheckpoint(body);
    const log = logKeys.find((key) => note.startsWith(`${key.name}\n`))!;
    const checkpoint = openCheckpoint(note, { log, witnesses: [], k: 0 });
    const last = this.heads.get(log.name) ?? { size: 0, root: emptyRoot() };
    if (oldSize !== last.size) return { status: 409, text: `${last.size}\n` };
    try {
      verifyConsistency(oldSize, checkpoint.size, proof, last.root, checkpoint.root);
    } catch {
      return { status: 422, text: '' };
    }
    const line = await cosignCheckpoint(checkpoint, this.name, this.signer, this.#clock.seconds());
    const { size, root } = checkpoint;
    this.heads.set(log.name, { origin: log.name, size, root, note: note + line });
    return { status: 200, text: line };
  }

  async head(log: string): Promise<string | null> {
    if (this.isDown) throw new Error('down');
    return this.heads.get(log)?.note ?? null;
  }
}

export interface Bench {
  readonly registry: Registry;
  readonly clock: ManualClock;
  readonly witnesses: readonly TestWitness[];
  readonly path: string;
  readonly halts: unknown[];
  /** Lets the timers of the registry run once. */
  tick(): void;
  /** Ticks, so many seconds of the clock apart, until the promise settles. */
  settle<T>(pending: Promise<T>, seconds?: number): Promise<T>;
  request(path: string, init?: RequestInit): Promise<Response>;
  append(statements: readonly WireStatement[], ticket?: string): Promise<Answer>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** The header that proves who asks. */
  hello(signer: Signer, change?: object): Promise<Record<string, string>>;
  follow(from: number, query?: string, headers?: Record<string, string>): Promise<Lines>;
}

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  readonly body: any;
  readonly text: string;
}

export interface BenchOptions {
  readonly path?: string;
  readonly clock?: ManualClock;
  readonly witnesses?: readonly TestWitness[];
  readonly k?: number;
  readonly admission?: Admission;
  readonly services?: readonly Did[];
  readonly maxFollowers?: number;
  readonly store?: (store: RegistryStore) => RegistryStore;
}

const open: Registry[] = [];

/** For `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const registry of open.splice(0)) await registry.close();
}

const newPath = () => join(mkdtempSync(join(tmpdir(), 'registry-')), 'registry.db');

/** A consistent copy of a closed store, as a backup would hold it. */
export function backup(path: string): string {
  const copy = newPath();
  for (const suffix of ['', '-wal']) if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
  return copy;
}

export async function bench(options: BenchOptions = {}): Promise<Bench> {
  const clock = options.clock ?? manualClock();
  const path = options.path ?? newPath();
  const store = await openRegistryStore(path);
  const witnesses = options.witnesses ?? [new TestWitness('witness.example', clock)];
  const timers = new Set<() => void>();
  const halts: unknown[] = [];
  const registry = await createRegistry({
    store: options.store?.(store) ?? store,
    clock,
    random: seededRandom('registry'),
    signer: registrySigner,
    origin,
    witnesses,
    k: options.k ?? 1,
    admission: options.admission ?? { mode: 'open' },
    services: options.services ?? [],
    ...(options.maxFollowers !== undefined && { maxFollowers: options.maxFollowers }),
    every: (_ms, run) => {
      timers.add(run);
      return () => timers.delete(run);
    },
    onHalt: (error) => halts.push(error),
  }).catch(async (error) => {
    await store.close();
    throw error;
  });
  open.push(registry);
  const tick = () => {
    for (const run of timers) run();
  };
  const request = async (to: string, init?: RequestInit) => registry.app.request(to, init);
  const answerOf = async (response: Response): Promise<Answer> => {
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    return { status: response.status, text, body: isJson ? JSON.parse(text) : undefined };
  };
  const post = async (to: string, body: unknown, headers = {}) =>
    answerOf(await request(to, { method: 'POST', body: JSON.stringify(body), headers }));
  const get = async (to: string, headers = {}) => answerOf(await request(to, { headers }));
  return {
    registry,
    clock,
    witnesses,
    path,
    halts,
    tick,
    settle: async (pending, seconds = 0) => {
      let settled = false;
      const done = () => {
        settled = true;
      };
      pending.then(done, done);
      while (!settled) {
        clock.advance(seconds);
        tick();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return pending;
    },
    request,
    post,
    get,
    append: (statements, ticket) => post('/append', { statements, ...(ticket !== undefined && { ticket }) }),
    hello: async (signer, change = {}) => {
      const { body } = await get('/challenge');
      const iat = clock.seconds();
      const hello = await sign(signer, 'hello', {
        aud: registrySigner.did,
        owner: null,
        challenge: body.challenge,
        mode: 'shared',
        tls: null,
        iat,
        exp: iat + 30,
        nonce: toBase64url(new Uint8Array(16)),
        ...change,
      });
      return { [registryWire.registryHelloHeader]: hello };
    },
    follow: async (from, query = '', headers = {}) => {
      const response = await request(`/follow?from=${from}${query}`, { headers });
      if (!response.body) throw new Error('no stream');
      return new Lines(response.body);
    },
  };
}

/** The verifier keys of both logs, as everybody else would configure them. */
export const logKeys = registryWire.logNames.map((log) =>
  logKey(registryWire.originOf(origin, log), registrySigner.did),
);

/** Lines of a stream of GET /follow, in their form. */
class Lines {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest = '';
  readonly #lines: registryWire.FollowLine[] = [];

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
  }

  async next(): Promise<registryWire.FollowLine> {
    while (this.#lines.length === 0) {
      const { value, done } = await this.#reader.read();
      if (done) throw new Error('stream ended');
      const parts = (this.#rest + new TextDecoder().decode(value)).split('\n');
      this.#rest = parts.pop()!;
      this.#lines.push(...parts.map((text) => registryWire.FollowLine.parse(JSON.parse(text))));
    }
    return this.#lines.shift()!;
  }

  /** Everything up to and with the next line that fits. */
  async until(fits: (line: registryWire.FollowLine) => boolean): Promise<registryWire.FollowLine[]> {
    const seen: registryWire.FollowLine[] = [];
    for (;;) {
      const line = await this.next();
      seen.push(line);
      if (fits(line)) return seen;
    }
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}

export const isHead =
  (log: registryWire.LogName, size?: number) =>
  (line: registryWire.FollowLine): boolean =>
    line.type === 'head' && line.log === log && (size === undefined || line.checkpoint.split('\n')[1] === String(size));
