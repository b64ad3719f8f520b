import { CaponierError, crypto } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import {
  formatAddCheckpoint,
  type Head,
  type NodeReader,
  type NoteKey,
  openCheckpoint,
  proveConsistency,
  rangeRoot,
} from '@caponier/tlog';
import { WITNESS_GRACE_MS } from '../limits.ts';
import type { WitnessClient } from './witness-client.ts';

/** A head of ours with its note (the log's signature alone) and a reader of the tree under it. */
export interface SignedHead extends Head {
  readonly note: string;
  readonly nodes: NodeReader;
}

interface Known {
  readonly client: WitnessClient;
  /** Size it cosigned last. */
  size: number;
  /** Its last call is still under way: it is not asked twice at once. */
  busy: boolean;
}

/** One log's witnesses: what each cosigned last, and how to get k of them under a new head. */
export class Witnessing {
  readonly #log: NoteKey;
  readonly #k: number;
  readonly #each: readonly Known[];

  constructor(log: NoteKey, clients: readonly WitnessClient[], k: number) {
    this.#log = log;
    this.#k = k;
    this.#each = clients.map((client) => ({ client, size: 0, busy: false }));
  }

  /**
   * Compares our tree with what each witness last saw. A witness that cannot be reached says nothing; one that shows a head
   * which we signed and do not have convicts our store. Throws `log.rolled_back`, `log.forked`.
   */
  async check(head: Pick<SignedHead, 'size' | 'nodes'>): Promise<void> {
    await Promise.all(
      this.#each.map(async (witness) => {
        witness.size = await this.#compare(witness, head);
      }),
    );
  }

  /**
   * The cosignature lines of at least k witnesses, of more where they answer soon. Throws `log.not_enough_witnesses`, and
   * what {@link check} throws: these end the log's work.
   */
  async cosign(head: SignedHead): Promise<string> {
    const lines: string[] = [];
    const tasks = this.#each
      .filter((witness) => !witness.busy)
      .map(async (witness) => {
        witness.busy = true;
        try {
          lines.push(await this.#ask(witness, head));
        } finally {
          witness.busy = false;
        }
      });
    await enough(tasks, this.#k);
    if (lines.length < this.#k) throw fail('log.not_enough_witnesses', `${lines.length} of ${this.#k}`);
    return lines.join('');
  }

  async #ask(witness: Known, head: SignedHead): Promise<string> {
    // Twice: the first answer may tell where the witness really stands.
    for (let attempt = 0; attempt < 2; attempt++) {
      const from = Math.min(witness.size, head.size);
      const proof = await proveConsistency(from, head.size, head.nodes);
      const body = formatAddCheckpoint({ oldSize: from, proof, checkpoint: head.note });
      const { status, text } = await witness.client.addCheckpoint(body);
      if (status === 200) {
        const policy = { log: this.#log, witnesses: [witness.client.key], k: 1 };
        const opened = openCheckpoint(head.note + text, policy);
        witness.size = head.size;
        return opened.note.slice(head.note.length);
      }
      if (status < 400 || status > 499) throw fail('log.not_enough_witnesses', `a witness answered ${status}`);
      // It stands elsewhere, or sees a fork. Its word alone is nothing: it has to show a head with our own signature.
      witness.size = await this.#compare(witness, head);
    }
    throw fail('log.not_enough_witnesses', 'a witness refuses and shows no reason');
  }

  /** The size the witness proves to know, 0 where it shows nothing. */
  async #compare({ client }: Known, head: Pick<SignedHead, 'size' | 'nodes'>): Promise<number> {
    let seen: Head;
    try {
      const note = await client.head(this.#log.name);
      if (note === null) return 0;
      seen = openCheckpoint(note, { log: this.#log, witnesses: [client.key], k: 1 });
    } catch {
      return 0;
    }
    if (seen.size > head.size)
      throw fail('log.rolled_back', `${client.key.name} knows ${seen.size}, the store ${head.size}`);
    if (!crypto.equal(await rangeRoot(0, seen.size, head.nodes), seen.root)) throw fail('log.forked', client.key.name);
    return seen.size;
  }
}

/** Errors after which a log must not go on. */
export function isFatal(error: unknown): boolean {
  return error instanceof CaponierError && ['log.rolled_back', 'log.forked', 'store.damaged'].includes(error.code);
}

/** Waits for all, or for k and a little longer; a fatal error ends it at once. */
async function enough(tasks: readonly Promise<void>[], k: number): Promise<void> {
  if (tasks.length === 0) return;
  let done = 0;
  let settled = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  await new Promise<void>((resolve, reject) => {
    const settle = () => {
      settled += 1;
      if (settled === tasks.length) resolve();
      else if (done >= k) timer ??= setTimeout(resolve, WITNESS_GRACE_MS);
    };
    for (const task of tasks) {
      task.then(
        () => {
          done += 1;
          settle();
        },
        (error) => (isFatal(error) ? reject(error) : settle()),
      );
    }
  }).finally(() => clearTimeout(timer));
}
