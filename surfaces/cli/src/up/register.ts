import { deviceSeeds, type Identity, keepTicket } from '@caponier/daemon/client';
import { type Home, systemClock, systemRandom } from '@caponier/host/home';
import { fail, seedSigner, verifyStatement } from '@caponier/protocol';
import { createTransport, registerAtRelay, type Service, servicesOfStart, systemWait } from '@caponier/sdk';
import { localDaemon } from '../home/context.ts';
import type { Invitation } from '../relay/invitation.ts';
import { readDeployment } from '../services/deployment.ts';
import { stepsAreLeft } from './first-steps.ts';
import { readProcesses, until } from './processes.ts';

/** Milliseconds for the daemon to end when it is asked to. */
const wakeMs = 15_000;

type Relay = Pick<Service, 'key' | 'url' | 'pin'>;

/** Shows the owner to its relay. `intent` is called when the relay has answered, before the ticket is shown. */
export async function register(
  home: Home,
  { start }: Pick<Identity, 'start'>,
  relay: Relay,
  intent: () => void = () => {},
): Promise<void> {
  const ticket = start.tickets.find((jws) => verifyStatement(jws, 'ticket').payload.aud === relay.key) ?? '';
  const { seed, boxSeed } = deviceSeeds(home);
  boxSeed.wipe();
  const transport = createTransport();
  try {
    const platform = { transport, random: systemRandom, clock: systemClock, wait: systemWait };
    await registerAtRelay(platform, { relay, signer: seedSigner(seed), start, ticket, intent });
  } finally {
    transport.close();
    seed.wipe();
  }
}

/** The relay of a home, by its own start material. */
function relayOf({ start }: Identity): Relay {
  const relay = servicesOfStart(start).find(({ role }) => role === 'relay');
  if (!relay) throw fail('owner.no_service', 'relay');
  return relay;
}

/** Where the first `up` was cut off before a relay elsewhere had the owner: it goes on there. */
export async function finishRegistration(home: Home, identity: Identity): Promise<void> {
  const own = readDeployment(home)?.services.some(({ role }) => role === 'relay') ?? true;
  if (!own && stepsAreLeft(home)) await register(home, identity, relayOf(identity));
}

/** A daemon that the relay has refused does not ask again: its supervisor starts another, and everything else goes on. */
async function wakeDaemon(home: Home): Promise<void> {
  const daemon = () => readProcesses(home)?.processes.find(({ name }) => name === 'daemon')?.pid ?? null;
  const pid = daemon();
  if (pid === null) return;
  // One that does not answer yet has read the ticket before.
  const status = await localDaemon(home)
    .call('status', {})
    .catch(() => null);
  if (status?.relay === 'connected' || daemon() !== pid) return;
  process.kill(pid, 'SIGTERM');
  await until(() => (daemon() === pid ? undefined : true), wakeMs);
}

/**
 * A new ticket for the relay of a home that has its owner: the first was used up, or the relay has forgotten the owner.
 * Throws `cli.other_relay` and what `registerAtRelay` throws; then everything stays as it was.
 */
export async function renewTicket(
  home: Home,
  identity: Identity,
  { url, pin, key, ticket }: Invitation,
): Promise<void> {
  if (key !== relayOf(identity).key) throw fail('cli.other_relay');
  const start = { ...identity.start, tickets: [ticket] };
  await register(home, { start }, { key, url, pin });
  keepTicket(home, identity, ticket);
  await wakeDaemon(home);
}
