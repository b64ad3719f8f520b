import { crypto } from '@caponier/crypto';
import { deviceSeeds, type Identity, writeIdentity } from '@caponier/daemon/client';
import {
  fileSigner,
  type Home,
  isLoopback,
  loadOrCreateCertificate,
  loadOrCreateKey,
  systemClock,
  systemRandom,
} from '@caponier/host';
import { personalPolicy } from '@caponier/policy';
import { type Did, encodeDid, fail, seedSigner } from '@caponier/protocol';
import { type Hand, makeOwner, signTicket, starterGrant } from '@caponier/sdk';
import type { Invitation } from '../relay/invitation.ts';
import { type Deployment, deploymentFile, encodeDeployment, type Listed } from '../services/deployment.ts';
import { serviceNames } from '../services/names.ts';
import { writeFirstSteps } from './first-steps.ts';
import { choosePorts, privateAddress } from './ports.ts';
import { register } from './register.ts';

/** Seconds in which the first `up` must have come through. */
const ticketSeconds = 7 * 24 * 3600;

export interface MakeOptions {
  /** Address under which others reach this machine; null: this machine's in its private network. */
  readonly host: string | null;
  /** Address to bind to, where it is another: behind address translation the first is on no interface here. */
  readonly bind?: string | null;
  /** First of the ports; null: any free ones, kept from then on. */
  readonly portBase: number | null;
  /** Name of this device. */
  readonly name: string;
  /** A relay that somebody else runs, instead of one of our own. */
  readonly relay?: Invitation | null;
}

/** Services of an owner who has everything on one machine: keys, addresses, one local witness. */
async function makeDeployment(
  home: Home,
  { host: wanted, bind: bound, portBase, relay }: MakeOptions,
): Promise<Deployment> {
  const keys = home.folder('keys');
  const host = wanted ?? privateAddress();
  const bind = bound ?? host;
  const tls = !isLoopback(host) || !isLoopback(bind);
  const pin = tls ? (await loadOrCreateCertificate(home.folder('tls'), [host], systemClock())).pin : null;
  const names = serviceNames.filter(({ role }) => role !== 'relay' || !relay);
  const ports = await choosePorts(bind, names.length, portBase);
  const shown = host.includes(':') ? `[${host}]` : host;
  const services = names.map(
    ({ name, role, class: of }, i): Listed => ({
      role,
      class: of,
      key: fileSigner(keys, `${name}.key`, systemRandom).did,
      url: `${tls ? 'https' : 'http'}://${shown}:${ports[i]}`,
      pin,
      custody: 'same-user',
    }),
  );
  const key = (role: Listed['role']): Did => services.find((service) => service.role === role)!.key;
  return {
    origin: `caponier.local/${key('registry').slice(-12)}`,
    host: bind,
    tls,
    operators: [fileSigner(keys, 'root.key', systemRandom).did],
    // Beyond loopback anybody near could fill relay and registry: there newcomers show a ticket of the operator.
    admission: tls ? 'ticket' : 'open',
    witnesses: [{ name: `caponier.local/${key('witness').slice(-12)}`, key: key('witness') }],
    k: 1,
    services,
  };
}

/** Somebody else's relay as our `service` statement names it. It is no part of our deployment: nothing of it runs here. */
const listed = ({ url, pin, key }: Invitation): Listed => ({
  role: 'relay',
  class: null,
  key,
  url,
  pin,
  custody: 'other-operator',
});

/** The members of `trust` that name exactly these services. */
function trustOf({ origin, operators, witnesses, k }: Deployment, services: readonly Listed[]) {
  const keys = (role: Listed['role']) => services.filter((service) => service.role === role).map(({ key }) => key);
  return {
    operators: [...operators],
    log: { origin, key: keys('registry')[0]! },
    broker: keys('broker'),
    gate: keys('gate'),
    workers: services
      .filter(({ role }) => role === 'worker')
      .map((worker) => ({ class: worker.class!, keys: [worker.key] })),
    witnesses: witnesses.map((witness) => ({ ...witness })),
    k,
    relays: keys('relay'),
  };
}

/** Admission of the operator's own owner, who is new to relay and registry like any other. */
function ownTickets(deployment: Deployment, hand: Hand): Promise<string[]> {
  const doors = deployment.admission === 'open' ? [] : ['relay', 'registry'];
  const asked = deployment.services.filter(({ role }) => doors.includes(role));
  return Promise.all(asked.map(({ key }) => signTicket({ aud: key, uses: 1, lives: ticketSeconds }, hand)));
}

/**
 * A new owner with everything on this machine, but for a relay elsewhere. Nothing runs and nothing is published yet: what is
 * still to do stands in `first-steps.json`, written before the identity, so that an `up` that is cut off goes on where it was.
 * A relay elsewhere takes the owner before anything starts; the home is written when it has answered and before it is shown
 * the ticket, which may be good for one owner only. Throws what `registerAtRelay` throws.
 */
export async function makeHome(home: Home, options: MakeOptions): Promise<Identity> {
  const keys = home.folder('keys');
  const root = loadOrCreateKey(keys, 'root.key', systemRandom);
  const deployment = await makeDeployment(home, options);
  const { relay = null } = options;
  const services = [...deployment.services, ...(relay ? [listed(relay)] : [])];
  const { seed, boxSeed } = deviceSeeds(home);
  const device = seedSigner(seed).did;
  const hand = { signer: seedSigner(root), random: systemRandom, clock: systemClock };
  const made = await makeOwner({
    ...hand,
    device: {
      did: device,
      box: encodeDid('x25519', crypto.x25519.keyPair(boxSeed).publicKey),
      name: options.name,
    },
    approver: true,
    trust: trustOf(deployment, services),
    services,
    policy: { name: 'personal', text: personalPolicy },
    grants: [starterGrant],
  });
  const tickets = [...(await ownTickets(deployment, hand)), ...(relay ? [relay.ticket] : [])];
  root.wipe();
  const { policy } = made;
  if (policy === null) throw fail('host.internal', 'no policy');
  const identity: Identity = {
    owner: made.start.owner,
    device,
    name: options.name,
    role: 'controller',
    start: { ...made.start, tickets },
  };
  const store = () => {
    home.write(deploymentFile, new TextEncoder().encode(encodeDeployment(deployment)));
    writeFirstSteps(home, { policy, text: personalPolicy });
    writeIdentity(home, identity);
  };
  if (relay) await register(home, identity, relay, store);
  else store();
  return identity;
}
