import { fromBase64url, toBase64url } from '@caponier/crypto';
import { idOf, leafClassOf, type Payload, type Signer, type Verified } from '@caponier/protocol';
import {
  CompactRange,
  cosignCheckpoint,
  encodeOwnersLeaf,
  formatProofFile,
  leafHash,
  logKey,
  nodeHash,
  openCheckpoint,
  proveInclusion,
  signCheckpoint,
} from '@caponier/tlog';
import { type LaterKind, openChainStatement, type WireStatement } from '@caponier/verify';
import type { ManualClock } from './clock.ts';

export interface TestLogOptions {
  /** With the log's name: `log.example/owners`. */
  readonly origin: string;
  readonly registry: Signer;
  readonly witnesses: readonly { readonly name: string; readonly signer: Signer }[];
  readonly clock: ManualClock;
}

/** A Merkle log in memory that signs its heads and has them cosigned by its witnesses. Any size of it can be signed. */
export class TestLog {
  readonly #options: TestLogOptions;
  readonly leaves: Uint8Array[] = [];

  constructor(options: TestLogOptions) {
    this.#options = options;
  }

  /** The index of the leaf. */
  add(leaf: Uint8Array): number {
    return this.leaves.push(leaf) - 1;
  }

  root(size = this.leaves.length): Uint8Array {
    const range = CompactRange.empty();
    for (const leaf of this.leaves.slice(0, size)) range.append(leafHash(leaf));
    return range.root();
  }

  async checkpoint(size = this.leaves.length, witnesses = this.#options.witnesses): Promise<string> {
    const { origin, registry, clock } = this.#options;
    const note = await signCheckpoint({ origin, size, root: this.root(size) }, registry);
    const head = openCheckpoint(note, { log: logKey(origin, registry.did), witnesses: [], k: 0 });
    const lines = await Promise.all(
      witnesses.map(({ name, signer }) => cosignCheckpoint(head, name, signer, clock.seconds())),
    );
    return note + lines.join('');
  }

  /** A C2SP tlog-proof file for one leaf under the newest checkpoint. */
  async proof(index: number): Promise<string> {
    const size = this.leaves.length;
    const proof = await proveInclusion(index, size, async (height, at) => {
      const width = 2 ** height;
      return subtree(this.leaves.slice(at * width, (at + 1) * width));
    });
    return formatProofFile({ index, proof, checkpoint: await this.checkpoint() });
  }
}

function subtree(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 1) return leafHash(leaves[0]!);
  const half = leaves.length / 2;
  return nodeHash(subtree(leaves.slice(0, half)), subtree(leaves.slice(half)));
}

/** The leaf of a chain statement in `owners`. */
export function ownersLeafOf(jws: string): Uint8Array {
  const statement = openChainStatement(jws);
  const { payload, kind } = statement;
  const owner = kind === 'owner' ? statement.id : (statement as Verified<LaterKind>).payload.owner;
  return encodeOwnersLeaf({
    owner,
    seq: payload.seq,
    class: leafClassOf(kind, payload as Payload<LaterKind>),
    id: idOf(jws),
  });
}

/** A registry in memory, honest unless a test writes its lines by hand. */
export class TestRegistry {
  readonly log: TestLog;
  /** By id, for GET /statements/:id; a test takes entries out to withhold them. */
  readonly statements = new Map<string, WireStatement>();
  readonly #leaves: { leaf: string; id: string }[] = [];
  readonly #streams = new Set<(line: string) => void>();
  #standing: string[] = [];
  /** Ids whose statement is left out of leaf lines. */
  readonly hidden = new Set<string>();
  /** The newest head, once there is one. */
  note: string | null = null;

  constructor(options: TestLogOptions) {
    this.log = new TestLog(options);
  }

  /** Sequences statements without a head. */
  append(statements: readonly WireStatement[], leafOf = ownersLeafOf): void {
    for (const wire of statements) {
      const leaf = leafOf(wire.statement);
      const id = idOf(wire.statement);
      this.statements.set(id, wire);
      this.log.add(leaf);
      this.#leaves.push({ leaf: toBase64url(leaf), id });
      this.#send(this.#leafLine(this.#leaves.length - 1));
    }
  }

  /** Signs, has cosigned and shows the head of now. */
  async head(): Promise<string> {
    this.note = await this.log.checkpoint();
    this.#send(headLine(this.note));
    return this.note;
  }

  async publish(statements: readonly WireStatement[]): Promise<void> {
    this.append(statements);
    await this.head();
  }

  /** A `now` line, which also stands for those who come later. */
  now(statement: string, cosigns: readonly string[] = []): void {
    const line = JSON.stringify({ type: 'now', statement, cosigns });
    this.#standing = [...this.#standing, line];
    this.#send(line);
  }

  /** Any line at all. */
  say(line: string): void {
    this.#send(line);
  }

  #send(line: string): void {
    for (const stream of this.#streams) stream(line);
  }

  #leafLine(index: number): string {
    const { leaf, id } = this.#leaves[index]!;
    const shown = this.hidden.has(id) ? {} : this.statements.get(id);
    return JSON.stringify({ type: 'leaf', index, leaf, ...shown });
  }

  get followers(): number {
    return this.#streams.size;
  }

  async *follow(from: number, mode: 'full' | 'membership', signal: AbortSignal): AsyncGenerator<string> {
    const queue: string[] = [];
    let wake = () => {};
    const push = (line: string) => {
      queue.push(mode === 'membership' ? withoutPrivate(line) : line);
      wake();
    };
    for (let index = from; index < this.#leaves.length; index++) push(this.#leafLine(index));
    for (const line of this.#standing) push(line);
    if (this.note) push(headLine(this.note));
    this.#streams.add(push);
    signal.addEventListener('abort', () => wake());
    try {
      while (!signal.aborted) {
        const line = queue.shift();
        if (line !== undefined) yield line;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      this.#streams.delete(push);
    }
  }

  async statement(id: string): Promise<WireStatement | undefined> {
    return this.statements.get(id);
  }
}

export const headLine = (checkpoint: string, log: 'owners' | 'events' = 'owners'): string =>
  JSON.stringify({ type: 'head', log, checkpoint });

function withoutPrivate(line: string): string {
  const { statement, cosigns, ...rest } = JSON.parse(line);
  if (rest.type !== 'leaf' || fromBase64url(rest.leaf)[40] === 0) return line;
  return JSON.stringify(rest);
}
