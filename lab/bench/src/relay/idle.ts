import type { Report } from '../suite.ts';
import { asDeployed, type Child, startChild } from './child.ts';
import { also, oneMachine, raised } from './limits.ts';
import type { IdleOptions } from './load-idle.ts';
import type { Resident } from './memory.ts';

const connections = 15_000;
/** Processes of clients: each stays below the open files that a process may have. */
const clients = 2;
const devicesPerOwner = 15;

const limits = also(oneMachine, {
  limits: { connections: 20_000 },
  flags: { '--max-connections': 20_000 },
});

/** KiB that each of so many idle connections holds resident, all of it put on them that the server did not hold before. */
async function perConnection(server: Child, port: number, devices: number | null): Promise<Resident> {
  const resident = async () => (await server.ask({ resident: true })) as Resident;
  const before = await resident();
  const loads = Array.from({ length: clients }, () => startChild('./load-idle.ts'));
  await Promise.all(
    loads.map((load, seed) =>
      load.ask({ port, devicesPerOwner: devices, connections: connections / clients, seed } satisfies IdleOptions),
    ),
  );
  const after = await resident();
  for (const load of loads) load.end();
  const each = (bytes: number) => bytes / 1024 / connections;
  return { kept: each(after.kept - before.kept), least: each(after.least - before.least) };
}

/**
 * What an idle connection of an authenticated device costs in memory: each a device of its own that takes mail and
 * streams. Everything it needs counts: its owner's statements, its slot, its rates. Beside it a bare WebSocket.
 */
export async function measureIdle(report: Report): Promise<void> {
  if (!report.wants('idle-kib')) return;
  report.progress('idle-kib: bare connections');
  const bare = startChild('./serve-bare.ts', ['--expose-gc']);
  const baseline = await perConnection(bare, (await bare.ask({})) as number, null);
  bare.end();
  report.progress('idle-kib: devices');
  const relay = startChild('./serve-relay.ts', ['--expose-gc', ...asDeployed]);
  const value = await perConnection(relay, (await relay.ask(limits)) as number, devicesPerOwner);
  relay.end();
  report.row({ name: 'idle-kib', unit: 'KiB', value: value.kept, baseline: baseline.kept });
  report.note(
    `idle-kib: ${connections} connections, ${devicesPerOwner} devices an owner, plaintext on loopback, resident after seconds of rest and gc; ` +
      `with all spare room given back (gc of last resort) ${value.least.toFixed(2)} and ${baseline.least.toFixed(2)} KiB; ${raised(limits)}`,
  );
}
