import { CaponierError } from '@caponier/crypto';
import type { LocalResults } from '@caponier/daemon/client';
import type { Run } from '../command.ts';
import { hereDaemon } from '../home/context.ts';
import { hasRoot } from '../home/root-key.ts';
import { readDeployment } from '../services/deployment.ts';
import { serviceNames } from '../services/names.ts';
import type { Output } from '../terminal/output.ts';
import { type ProcessState, readProcesses } from '../up/processes.ts';
import { readPageAddress } from '../web/address.ts';
import { type StatusFacts, warningsOf } from './warnings.ts';

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
export async function statusOf({ home, identity, client }: ReturnType<typeof hereDaemon>) {
  const processes = readProcesses(home)?.processes ?? [];
  const daemon = await client.call('status', {}).catch((error: unknown) => {
    if (error instanceof CaponierError && error.code === 'cli.no_daemon') return null;
    throw error;
  });
  const deployment = readDeployment(home);
  const services = servicesOf(daemon?.services ?? deployment?.services ?? [], processes, deployment !== undefined);
  const facts: StatusFacts = { daemon, root: hasRoot(home), services, hosts: deployment !== undefined };
  const warnings = warningsOf(facts);
  const devices = daemon?.devices ?? [];
  const document = {
    owner: identity.owner,
    device: { name: daemon?.name ?? identity.name, did: identity.device, role: daemon?.role ?? identity.role },
    running: daemon !== null,
    relay: daemon?.relay ?? null,
    log: daemon?.log ?? null,
    devices,
    approvers: devices.filter(({ approver }) => approver).map(({ name }) => name),
    contacts: daemon?.contacts ?? [],
    freezes: daemon?.freezes ?? [],
    asks: daemon?.asks ?? null,
    letters: daemon?.letters ?? null,
    outbox: daemon?.outbox ?? null,
    services,
    warnings,
  };
  return { document, daemon, services, warnings };
}

export async function runStatus({ output }: Run): Promise<void> {
  const here = hereDaemon();
  const { document, daemon, services, warnings } = await statusOf(here);
  // The address holds the token of the page: for its user's eyes, and not in what the page itself is told.
  const page = daemon ? readPageAddress(here.home) : null;
  output.document({ ...document, page });
  show({ identity: here.identity, daemon, services, warnings, page, output });
}

function servicesOf(
  listed: readonly { role: string; class: string | null; url: string; custody: string }[],
  processes: readonly ProcessState[],
  local: boolean,
): ServiceLine[] {
  return listed.map(({ role, class: of, url, custody }) => {
    const name = serviceNames.find((known) => known.role === role && known.class === of)?.name;
    const found = local ? processes.find((one) => one.name === name) : undefined;
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

interface Shown {
  readonly identity: { readonly owner: string; readonly name: string; readonly role: string };
  readonly daemon: DaemonStatus | null;
  readonly services: readonly ServiceLine[];
  readonly warnings: readonly { readonly text: string; readonly hint: string }[];
  readonly page: string | null;
  readonly output: Output;
}

function show({ identity, daemon, services, warnings, page, output }: Shown): void {
  const heading = (text: string) => output.line(output.style('bold', text));
  output.line(`${output.style('bold', identity.name)}, ${identity.role} of owner ${identity.owner.slice(0, 12)}`);
  if (daemon) output.line(stateLine(daemon));
  output.line();
  if (daemon) {
    heading('Devices');
    output.table(daemon.devices.map((device) => [device.name, device.role, notesOf(device, identity.name)]));
    if (daemon.contacts.length > 0) {
      output.line();
      heading('Contacts');
      output.table(daemon.contacts.map(({ name, owner }) => [name, `owner ${owner.slice(0, 12)}`]));
    }
    output.line();
  }
  heading('Services');
  output.table(services.map((service) => serviceRow(service)));
  if (page) output.line(`\nPage: ${page}`);
  if (warnings.length > 0) output.line();
  for (const { text, hint } of warnings) {
    output.line(`${output.style('yellow', 'warning:')} ${text}`);
    output.line(`  ${hint}`);
  }
}

function stateLine({ relay, log, asks, letters, outbox }: DaemonStatus): string {
  const age = log.age === null ? 'no cosigned head yet' : `view ${log.age} s old`;
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
  return [of ?? role, url, custody, `${state}${again}`];
}
