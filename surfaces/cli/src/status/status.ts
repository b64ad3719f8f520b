import { CaponierError } from '@caponier/crypto';
import type { LocalResults } from '@caponier/daemon/client';
import type { Run } from '../command.ts';
import { type Here, hereDaemon } from '../home/context.ts';
import { hasRoot } from '../home/root-key.ts';
import { readDeployment } from '../services/deployment.ts';
import { nameOfService } from '../services/names.ts';
import type { Output } from '../terminal/output.ts';
import { type ProcessState, readProcesses } from '../up/processes.ts';
import { readPageAddress } from '../web/address.ts';
import { warningsOf } from './warnings.ts';

/** Characters of an id that a person sees. */
const shortId = 12;

type DaemonStatus = LocalResults['status'];

/** One service as `status` shows it: `pid` and `restarts` only where it runs on this machine. */
interface ServiceLine {
  readonly role: string;
  readonly class: string | null;
  readonly url: string;
  readonly custody: string;
  readonly pid: number | null;
  readonly restarts: number;
  readonly ok: boolean | null;
}

/** Everything that `status --json` and the page show of this home. */
export interface StatusDocument {
  readonly owner: string;
  readonly device: { readonly name: string; readonly did: string; readonly role: string };
  /** Whether the daemon runs; without it only what stands in the home is known. */
  readonly running: boolean;
  readonly relay: DaemonStatus['relay'] | null;
  readonly log: DaemonStatus['log'] | null;
  readonly devices: DaemonStatus['devices'];
  readonly approvers: readonly string[];
  readonly contacts: DaemonStatus['contacts'];
  readonly freezes: DaemonStatus['freezes'];
  readonly asks: number;
  readonly letters: number;
  readonly outbox: number;
  readonly services: readonly ServiceLine[];
  readonly warnings: readonly string[];
}

export async function statusOf({ home, identity, client }: Here): Promise<StatusDocument> {
  const processes = readProcesses(home)?.processes ?? [];
  const daemon = await client.call('status', {}).catch((error: unknown) => {
    if (error instanceof CaponierError && error.code === 'cli.no_daemon') return null;
    throw error;
  });
  const deployment = readDeployment(home);
  const services = servicesOf(daemon?.services ?? deployment?.services ?? [], processes, deployment?.services ?? []);
  const devices = daemon?.devices ?? [];
  return {
    owner: identity.owner,
    device: { name: daemon?.name || identity.name, did: identity.device, role: daemon?.role ?? identity.role },
    running: daemon !== null,
    relay: daemon?.relay ?? null,
    log: daemon?.log ?? null,
    devices,
    approvers: devices.filter(({ approver }) => approver).map(({ name }) => name),
    contacts: daemon?.contacts ?? [],
    freezes: daemon?.freezes ?? [],
    asks: daemon?.asks ?? 0,
    letters: daemon?.letters ?? 0,
    outbox: daemon?.outbox ?? 0,
    services,
    warnings: warningsOf({ daemon, root: hasRoot(home), services, hosts: deployment !== undefined }),
  };
}

export async function runStatus({ output }: Run): Promise<void> {
  const here = hereDaemon();
  const status = await statusOf(here);
  // The address holds the token of the page: for its user's eyes, and not in what the page itself is told.
  const page = status.running ? readPageAddress(here.home) : null;
  output.document({ ...status, page });
  show(status, page, output);
}

function servicesOf(
  listed: readonly { role: string; class: string | null; url: string; custody: string }[],
  processes: readonly ProcessState[],
  deployed: readonly { role: string; class: string | null }[],
): ServiceLine[] {
  return listed.map(({ role, class: of, url, custody }) => {
    // Of an owner whose services run here the relay may still be somebody else's.
    const local = deployed.some((service) => service.role === role && service.class === of);
    const found = local ? processes.find(({ name }) => name === nameOfService(role, of)) : undefined;
    return {
      role,
      class: of,
      url,
      custody,
      pid: found?.pid ?? null,
      restarts: found?.restarts ?? 0,
      // What runs elsewhere is `doctor`'s to ask.
      ok: local ? found?.state === 'ready' : null,
    };
  });
}

function show(status: StatusDocument, page: string | null, output: Output): void {
  const { owner, device, running, devices, contacts, services, warnings } = status;
  const heading = (text: string) => output.line(output.style('bold', text));
  output.line(`${output.style('bold', device.name)}, ${device.role} of owner ${owner.slice(0, shortId)}`);
  if (running) {
    output.line(stateLine(status));
    output.line();
    heading('Devices');
    output.table(devices.map((one) => [one.name, one.role, notesOf(one, device.name)]));
    if (contacts.length > 0) {
      output.line();
      heading('Contacts');
      output.table(contacts.map(({ name, owner: theirs }) => [name, `owner ${theirs.slice(0, shortId)}`]));
    }
  }
  output.line();
  heading('Services');
  output.table(services.map((service) => serviceRow(service)));
  if (page) {
    output.line();
    output.line(`Page: ${page}`);
  }
  if (warnings.length > 0) output.line();
  for (const warning of warnings) output.warning(warning);
}

function stateLine({ relay, log, asks, letters, outbox }: StatusDocument): string {
  const age = log?.age == null ? 'no cosigned head yet' : `view ${log.age} s old`;
  const counts = [
    [asks, asks === 1 ? 'ask waits' : 'asks wait'],
    [letters, letters === 1 ? 'letter not read' : 'letters not read'],
    [outbox, 'in the outbox'],
  ] as const;
  const waiting = counts.filter(([n]) => n > 0).map(([n, text]) => `${n} ${text}`);
  return [`relay ${relay}`, age, ...waiting].join(' · ');
}

function notesOf(
  { name, approver, frozen }: { name: string; approver: boolean; frozen: boolean },
  here: string,
): string {
  return [name === here && 'this device', approver && 'approver', frozen && 'FROZEN'].filter(Boolean).join(', ');
}

function serviceRow({ role, class: of, url, custody, pid, restarts, ok }: ServiceLine): string[] {
  const state = ok === null ? 'elsewhere' : ok ? `pid ${pid}` : 'DOWN';
  const again = restarts > 0 ? `, restarted ${restarts}×` : '';
  const name = nameOfService(role, of);
  return [name, url, custody, `${state}${again}`];
}
