import { claimedKind, type ErrorCode, entryOf, fail, permitWire, registryWire } from '@caponier/protocol';
import type { WireStatement } from '@caponier/verify';
import type { Service } from '../directory/types.ts';
import { call } from '../platform/call.ts';
import type { Platform } from '../platform/platform.ts';
import type { PublishReport, Push } from './types.ts';

/** Milliseconds that a service has to acknowledge a removal; the promise is one second for a connected one. */
const pushTimeoutMs = 5_000;
/** Milliseconds for the registry to sequence, sign and have cosigned. */
const appendTimeoutMs = 30_000;

export interface PublishPorts extends Pick<Platform, 'transport' | 'clock' | 'wait'> {
  readonly services: readonly Service[];
  /** Shows removals to a relay over the connection that stands. Throws where there is none. */
  readonly tellRelay?: (statements: readonly string[]) => Promise<void>;
  /** Our own view obeys at once, too. */
  readonly obey?: (removal: WireStatement) => Promise<void>;
  /** Admission of a new owner. */
  readonly ticket?: string;
}

/**
 * Takes statements to those who must know. What removes authority goes to every service directly and first, all at the
 * same time: a registry that sleeps, or lies, cannot keep a thief in.
 */
export async function publish(ports: PublishPorts, statements: readonly WireStatement[]): Promise<PublishReport> {
  const removals = statements.filter(({ statement }) => isRemoval(statement));
  for (const removal of removals) await ports.obey?.(removal);
  const sequenced = sequence(ports, statements).then(
    () => null,
    (error: unknown) => entryOf(error).code,
  );
  const pushes = await pushAll(ports, removals, sequenced);
  const code = await sequenced;
  return {
    sequenced: code === null,
    code,
    pushes,
    missing: pushes.filter((push) => push.ms === null).map(nameOf),
    slowestMs: Math.max(0, ...pushes.map((push) => push.ms ?? 0)),
  };
}

const nameOf = ({ role, class: of }: Pick<Push, 'role' | 'class'>) => (of ? `${role} ${of}` : role);

function isRemoval(jws: string): boolean {
  const kind = claimedKind(jws);
  return kind === 'freeze' || kind === 'revoke';
}

/** Throws the registry's refusal. Statements go in parts where they are many. */
export async function sequence(
  { transport, services, ticket }: PublishPorts,
  statements: readonly WireStatement[],
): Promise<void> {
  const chain = statements.filter(({ statement }) => claimedKind(statement) !== 'freeze');
  const registry = services.find((service) => service.role === 'registry');
  if (!registry) throw fail('owner.no_service', 'registry');
  for (let at = 0; at < chain.length; at += registryWire.registryMaxAppend) {
    const part = chain.slice(at, at + registryWire.registryMaxAppend);
    const body = { statements: part, ...(ticket !== undefined && { ticket }) };
    await call(transport, registry, '/append', registryWire.AppendAnswer, { body, timeout: appendTimeoutMs });
  }
}

/** Services that obey removals: all but those that hold nothing of an owner. */
const obeying: readonly Service['role'][] = ['relay', 'registry', 'broker', 'gate', 'worker'];

async function pushAll(
  ports: PublishPorts,
  removals: readonly WireStatement[],
  sequenced: Promise<string | null>,
): Promise<Push[]> {
  if (removals.length === 0) return [];
  const targets = ports.services.filter((service) => obeying.includes(service.role));
  return Promise.all(targets.map((service) => pushTo(ports, service, removals, sequenced)));
}

async function pushTo(
  ports: PublishPorts,
  service: Service,
  removals: readonly WireStatement[],
  sequenced: Promise<string | null>,
): Promise<Push> {
  const { role, class: of, url } = service;
  const begin = ports.clock();
  try {
    await within(ports, deliver(ports, service, removals, sequenced));
    return { role, class: of, url, ms: ports.clock() - begin, code: null };
  } catch (error) {
    return { role, class: of, url, ms: null, code: entryOf(error).code };
  }
}

async function deliver(
  ports: PublishPorts,
  service: Service,
  removals: readonly WireStatement[],
  sequenced: Promise<string | null>,
): Promise<void> {
  const { transport } = ports;
  const timeout = pushTimeoutMs;
  if (service.role === 'relay') {
    if (!ports.tellRelay) throw fail('relay.disconnected');
    return ports.tellRelay(removals.flatMap(({ statement, cosigns }) => [statement, ...cosigns]));
  }
  for (const { statement, cosigns } of removals) {
    if (service.role !== 'registry') {
      const body = { statement, cosigns };
      await call(transport, service, '/removals', permitWire.RemovalAnswer, { body, timeout });
    } else if (claimedKind(statement) === 'freeze') {
      await call(transport, service, '/freeze', registryWire.FreezeAnswer, { body: { statement }, timeout });
    } else {
      // A registry obeys a revocation by sequencing it.
      const code = await sequenced;
      if (code !== null) throw fail(code as ErrorCode, 'not sequenced');
    }
  }
}

/** The work, or `host.unreachable` after `pushTimeoutMs`. */
async function within({ wait }: PublishPorts, work: Promise<void>): Promise<void> {
  const done = new AbortController();
  const late = wait(pushTimeoutMs, done.signal).then(() => {
    if (!done.signal.aborted) throw fail('host.unreachable', 'no acknowledgement in time');
  });
  try {
    await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}
