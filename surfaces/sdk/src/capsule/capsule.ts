import { fail, permitWire, registryWire, type Signer } from '@caponier/protocol';
import {
  buildCapsule,
  buildTrustFile as buildFromChain,
  type LoggedStatement,
  type WireStatement,
} from '@caponier/verify';
import { findService } from '../directory/directory.ts';
import type { Service } from '../directory/types.ts';
import { call, callText } from '../platform/call.ts';
import { helloFor } from '../platform/hello.ts';
import type { Platform } from '../platform/platform.ts';
import type { KeyValue } from '../store/key-value.ts';
import { keptUse } from './kept.ts';

/** Milliseconds for which the services' events may take to reach the log, and between two looks. */
const loggedMs = { most: 15_000, pause: 500 } as const;

export interface CapsulePorts extends Platform {
  readonly owner: string;
  readonly signer: Signer;
  readonly store: KeyValue;
  readonly services: readonly Service[];
  /** The owner's whole chain. */
  readonly chain: () => Promise<readonly WireStatement[]>;
}

export async function buildTrustFile(ports: CapsulePorts): Promise<Uint8Array> {
  return buildFromChain(await ports.chain(), Math.floor(ports.clock() / 1000));
}

/** Gathers everything about one request, and puts it together; it is verified as a stranger would before it is given out. */
export async function buildDeviceCapsule(ports: CapsulePorts, request: string): Promise<Uint8Array> {
  const { transport, clock, services, store } = ports;
  const registry = findService(services, 'registry');
  const decided = await materialOf(ports, request);
  const kept = await keptUse(store, request);
  return buildCapsule(
    {
      chain: await loggedChain(ports),
      decided,
      body: kept?.body ?? null,
      ...(kept && { uses: [{ use: kept.use, outcome: kept.outcome, body: null, worker: null }] }),
      prove: (log, index) => callText(transport, registry, `/${log}/proof?index=${index}`),
    },
    await buildTrustFile(ports),
    { now: clock() },
  );
}

/** From the gate or broker that decided, once its events are in the log. Throws `host.not_found` where neither knows of it. */
async function materialOf(ports: CapsulePorts, request: string): Promise<permitWire.MaterialAnswer> {
  const { transport, services, signer, owner, clock, wait } = ports;
  const deciders = services.filter(({ role }) => role === 'gate' || role === 'broker');
  const end = clock() + loggedMs.most;
  let why: unknown = fail('host.not_found', 'no decider knows of it');
  for (;;) {
    let waiting = false;
    for (const decider of deciders) {
      try {
        const headers = await helloFor(ports, decider, signer, owner);
        const path = `/material?request=${encodeURIComponent(request)}`;
        const material = await call(transport, decider, path, permitWire.MaterialAnswer, { headers });
        const events = [...material.decisions, ...material.outcomes];
        if (events.every(({ event }) => event.leaf !== null)) return material;
        waiting = true;
      } catch (error) {
        why = error;
      }
    }
    if (!waiting) throw why;
    if (clock() >= end) throw fail('gate.unwitnessed', 'events are not in the log');
    await wait(loggedMs.pause, new AbortController().signal);
  }
}

/** The chain with the place of each statement in the log, as the registry says; each is proven before it is used. */
async function loggedChain({ transport, services, signer, owner, ...ports }: CapsulePorts): Promise<LoggedStatement[]> {
  const registry = findService(services, 'registry');
  const chain: LoggedStatement[] = [];
  for (let from: number | null = 0; from !== null; ) {
    const headers = await helloFor({ transport, ...ports }, registry, signer, owner);
    const path: string = `/owners/${owner}?from=${from}`;
    const answer: registryWire.ChainAnswer = await call(transport, registry, path, registryWire.ChainAnswer, {
      headers,
    });
    for (const { statement, cosigns, index } of answer.chain) {
      if (statement === undefined) throw fail('registry.not_reader', 'a statement of ours is not shown');
      chain.push({ statement, cosigns: cosigns ?? [], index });
    }
    from = answer.next;
  }
  return chain;
}
