import type { LocalResults } from '@caponier/daemon/client';

export interface StatusFacts {
  /** Null where no daemon runs. */
  readonly daemon: LocalResults['status'] | null;
  /** Whether the owner key is on this machine. */
  readonly root: boolean;
  /** Whether services of the owner run on this machine. */
  readonly hosts: boolean;
  readonly services: readonly { readonly role: string; readonly class: string | null; readonly ok: boolean | null }[];
}

/** What the person should know, each with what to do about it. */
export function warningsOf({ daemon, root, hosts, services }: StatusFacts): string[] {
  const warnings: string[] = [];
  const warn = (text: string, hint: string) => warnings.push(`${text} ${hint}`);
  const down = services.filter(({ ok }) => ok === false).map(({ role, class: of }) => of ?? role);
  if (!daemon) warn('The daemon of this device does not run.', 'Start it: caponier up');
  if (down.length > 0 && daemon)
    warn(`Not running: ${down.join(', ')}.`, 'See the log (logs/ in the home, or the journal), or: caponier up');
  if (!daemon) return warnings;
  if (daemon.relay === 'refused') warn('The relay refuses this device.', 'It was revoked or frozen: caponier doctor');
  if (daemon.log.trouble) {
    warn(
      `The log of the registry is not believed [${daemon.log.trouble}].`,
      'Nothing is allowed until that is found out: caponier doctor',
    );
  }
  if (daemon.freezes.length > 0) warn(`${daemon.freezes.length} freeze in force.`, 'Lift it: caponier thaw');
  if (root && !daemon.recovery) {
    warn(
      'No recovery key: a thief of this machine is the owner.',
      'Make one and write it down: caponier recover --new',
    );
  }
  const approvers = daemon.devices.filter(({ approver }) => approver);
  if (approvers.length === 0) warn('Nobody can say yes to an ask, or freeze.', 'Add somebody: caponier add --approver');
  if (hosts && approvers.length === 1 && approvers[0]?.name === daemon.name) {
    warn('Only this machine says yes: an agent that runs as you could, too.', 'Add a phone: caponier add --approver');
  }
  return warnings;
}
