import { type Identity, readIdentity } from '@caponier/daemon/client';
import { type Home, isLoopback, refuseRoot, systemClock, systemRandom } from '@caponier/host/home';
import { entryOf, fail } from '@caponier/protocol';
import { fillCodeCache } from '../code-cache.ts';
import type { Run } from '../command.ts';
import { hereHome, localDaemon } from '../home/context.ts';
import { defaultDeviceName, nameOf } from '../home/device-name.ts';
import { sealRoot } from '../home/root-key.ts';
import { type Invitation, readInvitation } from '../relay/invitation.ts';
import { loadServices } from '../services/all.ts';
import { readDeployment } from '../services/deployment.ts';
import { readPassphrase } from '../terminal/input.ts';
import type { Output } from '../terminal/output.ts';
import { type Progress, startProgress } from '../terminal/progress.ts';
import { version } from '../version.ts';
import { readPageAddress } from '../web/address.ts';
import { stepsAreLeft, takeFirstSteps } from './first-steps.ts';
import type { MakeOptions } from './make.ts';
import { refuseBadSettings } from './settings.ts';
import { startSupervisor, untilReady } from './start.ts';

/** Milliseconds for the daemon to see a fresh view and be taken by the relay. */
const connectMs = 15_000;

interface Flags {
  readonly host?: string;
  readonly bind?: string;
  readonly portBase?: string;
  readonly name?: string;
  readonly relay?: string;
  readonly passphrase?: boolean;
  readonly foreground?: boolean;
  readonly allowRoot?: boolean;
}

function portBaseOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (/^\d{1,5}$/.test(text) && value >= 1 && value <= 65_000) return value;
  throw fail('cli.usage', '--port-base: a whole number from 1 to 65000');
}

/** Everything of this home, made where it is new, started where it is stopped. */
export async function runUp({ options, output }: Run): Promise<void> {
  const flags = options as Flags;
  const portBase = portBaseOf(flags.portBase);
  const name = flags.name === undefined ? defaultDeviceName() : nameOf(flags.name, '--name');
  const allowRoot = flags.allowRoot === true;
  refuseRoot({ allowRoot });
  // Before anything is made.
  await refuseBadSettings(process.env);
  const relay = flags.relay === undefined ? null : await readInvitation(flags.relay, systemClock);
  const home = hereHome();
  const lock = home.folder('run').lock('up');
  const known = readIdentity(home);
  const settled = [flags.host, flags.bind, flags.portBase, flags.name];
  if (known && settled.some((flag) => flag !== undefined)) {
    throw fail('cli.usage', '--host, --bind, --port-base and --name are for a new home; this one has its owner');
  }
  const progress = startProgress('making keys');
  try {
    const identity = known
      ? await goOn(home, known, relay, progress)
      : await makeNew(home, { host: flags.host ?? null, bind: flags.bind ?? null, portBase, name, relay });
    if (flags.passphrase) await sealRoot(home, () => readPassphrase('A passphrase for the owner key'), systemRandom);
    if (!known) await fillCodeCache(version, loadServices);
    let over = false;
    const end = () => {
      over = true;
    };
    const supervised = flags.foreground
      ? (await import('./supervisor.ts')).runSupervisor(home, { allowRoot, log: 'stderr' })
      : startSupervisor(home, { allowRoot });
    supervised?.then(end, end);
    try {
      await started(home, identity, progress, () => over);
    } catch (error) {
      // Asked to end before everything was up: that is no failure.
      if (over) return await supervised;
      throw error;
    }
    const trouble = await connected(home, progress);
    progress.stop();
    lock.release();
    tell({ home, identity, fresh: !known, trouble, output });
    await supervised;
  } finally {
    progress.stop();
  }
}

/** An owner that stands: with another ticket for its relay, or still on the way to its first one. */
async function goOn(home: Home, known: Identity, relay: Invitation | null, progress: Progress): Promise<Identity> {
  if (!relay && !stepsAreLeft(home)) return known;
  const { finishRegistration, renewTicket } = await import('./register.ts');
  progress.say('registering at the relay');
  await (relay ? renewTicket(home, known, relay) : finishRegistration(home, known));
  // The ticket is another one by now.
  return readIdentity(home) ?? known;
}

async function makeNew(home: Home, options: MakeOptions) {
  const { makeHome } = await import('./make.ts');
  return makeHome(home, options);
}

async function started(home: Home, identity: Identity, progress: Progress, isOver: () => boolean): Promise<void> {
  const tell = (names: readonly string[]) => progress.say(`starting ${names.join(', ')}`);
  if (readDeployment(home)) {
    await untilReady(home, ['registry', 'gate'], { tell, isOver });
    await takeFirstSteps(home, identity);
  }
  await untilReady(home, null, { tell, isOver });
}

/** Why the device is not connected, if it is not: everything local runs all the same. */
async function connected(home: Home, progress: Progress): Promise<string | null> {
  progress.say('connecting');
  try {
    await localDaemon(home).call('ready', { ms: connectMs });
    return null;
  } catch (error) {
    return entryOf(error).code;
  }
}

interface Told {
  readonly home: Home;
  readonly identity: Identity;
  readonly fresh: boolean;
  readonly trouble: string | null;
  readonly output: Output;
}

function tell({ home, identity, fresh, trouble, output }: Told): void {
  const deployment = readDeployment(home);
  const { name, role, owner } = identity;
  const page = readPageAddress(home);
  output.document({
    owner,
    device: { name, role, did: identity.device },
    home: home.path,
    services: deployment?.services ?? [],
    page,
    connected: trouble === null,
    trouble,
  });
  output.line(
    `${output.style('green', '✓')} ${fresh ? 'Caponier is set up and runs' : 'Caponier runs'} on this machine.`,
  );
  output.line();
  output.table([
    ['owner', owner.slice(0, 12)],
    ['device', `${name} (${role})`],
    ...(deployment ? [['services', servicesLine(deployment)]] : []),
    ['state', home.path],
    ...(page ? [['page', page]] : []),
  ]);
  output.line();
  if (trouble === 'relay.not_admitted') {
    output.warning('the relay does not take this owner: ask its operator for a ticket, then: caponier up --relay -');
  } else if (trouble) output.warning(`not connected yet [${trouble}]; it goes on trying.`);
  if (deployment && isLoopback(deployment.host))
    output.line('Only this machine can join: services listen on loopback.');
  if (!fresh) return;
  output.line('Next:');
  output.table([
    ['caponier add', 'bring another machine in'],
    ['caponier add --approver', 'a phone or machine that says yes'],
    ['caponier run claude', 'start an agent with rights of its own'],
    ['caponier recover --new', '24 words for a lost machine: do this soon'],
    ['caponier status', 'see what runs'],
  ]);
}

function servicesLine({ services, host, tls }: NonNullable<ReturnType<typeof readDeployment>>): string {
  const ports = services.map(({ url }) => Number(new URL(url).port)).sort((a, b) => a - b);
  return `${services.length} on ${host}, ports ${ports[0]}–${ports.at(-1)}${tls ? ', TLS pinned in codes' : ''}`;
}
