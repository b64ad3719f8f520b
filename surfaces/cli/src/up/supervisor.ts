import { CaponierError } from '@caponier/crypto';
import { createLog, type Home, refuseRoot, systemClock } from '@caponier/host';
import { readDeployment } from '../services/deployment.ts';
import { readEnding } from '../services/ending.ts';
import { serviceNames } from '../services/names.ts';
import { untilAsked } from '../services/signals.ts';
import { Child } from './child.ts';
import { lockSupervisor, until, writeProcesses } from './processes.ts';

/** Milliseconds to wait for a supervisor that is just ending, or for somebody who looked whether one runs. */
const lockWaitMs = 2_000;

/** Names and arguments of everything that this home runs: its services, where it has some, and the daemon. */
function processesOf(home: Home): { name: string; args: readonly string[] }[] {
  const services = readDeployment(home)?.services ?? [];
  const local = serviceNames.filter(({ role, class: of }) =>
    services.some((service) => service.role === role && service.class === of),
  );
  return [...local.map(({ name, command }) => ({ name, args: command })), { name: 'daemon', args: ['daemon'] }];
}

export interface SupervisorOptions {
  readonly allowRoot: boolean;
  /** Where what the processes say goes. */
  readonly log: 'file' | 'stderr';
}

/**
 * One operating-system process for every service of this home, and one for its daemon; what ends is started again. It only
 * supervises: it reads no key and opens no port. Resolves when it was asked to end and everything has.
 */
export async function runSupervisor(home: Home, { allowRoot, log: to }: SupervisorOptions): Promise<void> {
  refuseRoot({ allowRoot });
  // Its services read the same variables: what they drain for, they are waited for.
  const { endMs } = readEnding({ env: process.env });
  const lock = await until(() => {
    try {
      return lockSupervisor(home);
    } catch (error) {
      if (error instanceof CaponierError && error.code === 'host.locked') return undefined;
      throw error;
    }
  }, lockWaitMs);
  // The last attempt says why.
  const held = lock ?? lockSupervisor(home);
  const log = createLog({ service: 'supervisor', clock: systemClock });
  const children: Child[] = [];
  const write = () =>
    writeProcesses(
      home,
      endMs,
      children.map((child) => child.state),
    );
  let pending = false;
  const changed = () => {
    if (pending) return;
    pending = true;
    setImmediate(() => {
      pending = false;
      write();
    });
  };
  const flags = allowRoot ? ['--allow-root'] : [];
  for (const { name, args } of processesOf(home)) {
    children.push(new Child({ home, name, args: [...args, ...flags], endMs, changed, log: to }));
  }
  log.event('supervisor.started', { pid: process.pid, count: children.length });
  await untilAsked();
  log.event('supervisor.ending');
  await Promise.all(children.map((child) => child.stop()));
  write();
  held.release();
}
