import { fail, type Problem, problemContentType, problemOf, type Signer } from '@caponier/protocol';
import {
  claimedOrigin,
  cosignCheckpoint,
  emptyRoot,
  maxAddCheckpointLength,
  type NoteKey,
  openCheckpoint,
  parseAddCheckpoint,
  type VerifiedCheckpoint,
  verifyConsistency,
  witnessKey,
} from '@caponier/tlog';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { WitnessHead, WitnessStore } from './store.ts';

export interface WitnessOptions {
  readonly store: WitnessStore;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly signer: Signer;
  /** The name under which verifiers know this witness. */
  readonly name: string;
  /** The logs it watches, by their verifier keys; each origin once. */
  readonly logs: readonly NoteKey[];
  /** Called with both signed notes where a log shows two histories: the log's own signatures convict it. */
  readonly onFork?: (known: string, shown: string) => void;
}

export interface Witness {
  readonly app: Hono;
  /** The key by which its cosignatures are verified. */
  readonly key: NoteKey;
  /** Closes the store it was given. */
  close(): Promise<void>;
}

/**
 * The service of C2SP tlog-witness: it cosigns a checkpoint only after checking that the log has grown from what it cosigned
 * before, and only after that is durable.
 *
 * Threat: a log shows two histories to two readers. Measure: of two heads that do not continue each other, it signs one at
 * most, and never one that is smaller than the last. What remains: a witness whose memory is lost or rolled back signs again
 * from the beginning; such a one is retired, not restored.
 */
export function createWitness({ store, clock, signer, name, logs, onFork }: WitnessOptions): Witness {
  const keys = new Map(logs.map((log) => [log.name, log]));
  const key = witnessKey(name, signer.did);
  const app = new Hono();

  app.onError((error) => problemAnswer(problemOf(error)));
  app.notFound(() => problemAnswer(problemOf(fail('host.not_found'))));

  app.post('/add-checkpoint', bodyLimit({ maxSize: maxAddCheckpointLength, onError: tooLarge }), async (c) => {
    const { oldSize, proof, checkpoint: note } = parseAddCheckpoint(await c.req.text());
    const checkpoint = openCheckpoint(note, { log: knownLog(claimedOrigin(note)), witnesses: [], k: 0 });
    if (oldSize > checkpoint.size) throw fail('log.bad_note', 'old size beyond the checkpoint');
    const last = (await store.head(checkpoint.origin)) ?? { size: 0, root: emptyRoot(), note: '' };
    if (oldSize !== last.size) return conflict(last.size);
    if (checkpoint.size === last.size && !sameRoot(checkpoint, last)) {
      onFork?.(last.note, checkpoint.note);
      return conflict(last.size);
    }
    try {
      verifyConsistency(oldSize, checkpoint.size, proof, last.root, checkpoint.root);
    } catch (error) {
      // A wrong proof alone convicts nobody: anyone can send one beside a checkpoint it saw. C2SP tlog-witness wants 422.
      return problemAnswer({ ...problemOf(error), status: 422 });
    }
    const line = await cosignCheckpoint(checkpoint, name, signer, Math.floor(clock() / 1000));
    const { origin, size, root } = checkpoint;
    if (!(await store.advance(last, { origin, size, root, note: checkpoint.note + line }))) {
      return conflict((await store.head(origin))?.size ?? 0);
    }
    return c.text(line);
  });

  // For a log that comes back from a backup: has anybody seen more of me than I have? 204: never seen.
  app.get('/head', async (c) => {
    const origin = knownLog(c.req.query('origin') ?? '').name;
    const head = await store.head(origin);
    return head ? c.text(head.note) : c.body(null, 204);
  });

  function knownLog(origin: string): NoteKey {
    const log = keys.get(origin);
    if (!log) throw fail('witness.unknown_log');
    return log;
  }

  return { app, key, close: () => store.close() };
}

/** The answer of C2SP tlog-witness that tells the size from which a proof is expected. */
function conflict(size: number): Response {
  return new Response(`${size}\n`, { status: 409, headers: { 'content-type': 'text/x.tlog.size' } });
}

function problemAnswer(problem: Problem): Response {
  const { status } = problem;
  return new Response(JSON.stringify(problem), { status, headers: { 'content-type': problemContentType } });
}

function sameRoot(a: VerifiedCheckpoint, b: Pick<WitnessHead, 'root'>): boolean {
  return a.root.every((byte, i) => byte === b.root[i]);
}

function tooLarge(): never {
  throw fail('host.body_too_large');
}
