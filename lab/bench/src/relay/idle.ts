import { setTimeout } from 'node:timers/promises';
import type { Report } from '../suite.ts';
import { asDeployed, type Child, startChild } from './child.ts';
import { also, oneMachine, raised } from './limits.ts';
import type { IdleOptions } from './load-idle.ts';
import type { ResidentQuestion } from './memory.ts';

const connections = 15_000;
/** Processes of clients: each stays below the open files that a process may have. */
const clients = 2;
const devicesPerOwner = 15;

const limits = also(oneMachine, {
  limits: { connections: 20_000 },
  flags: { '--max-connections': 20_000 },
});

/**
 * Milliseconds of rest, in which nothing is collected but what the process collects by itself: an idle relay is one where
 * nothing happens but pings, and V8 gives back what the rush before needed a minute or two after its end.
 */
const restMs = 180_000;

/** KiB a connection: after the rest, when the last of them had come, and after collections of last resort. */
interface Cost {
  readonly idle: number;
  readonly atOnce: number;
  readonly least: number;
}

/**
 * What each of so many connections costs. All that is resident is put on them but the least that the server could do with
 * before, so room that it keeps to itself counts.
 */
async function perConnection(server: Child, port: number, devices: number | null): Promise<Cost> {
  const resident = async (which: ResidentQuestion['resident']) => (await server.ask({ resident: which })) as number;
  const before = await resident('least');
  const loads = Array.from({ length: clients }, () => startChild('./load-idle.ts'));
  await Promise.all(
    loads.map((load, seed) =>
      load.ask({ port, devicesPerOwner: devices, connections: connections / clients, seed } satisfies IdleOptions),
    ),
  );
  const each = (bytes: number) => (bytes - before) / 1024 / connections;
  const atOnce = each(await resident('now'));
  await setTimeout(restMs);
  const idle = each(await resident('now'));
  const least = each(await resident('least'));
  for (const load of loads) load.end();
  return { idle, atOnce, least };
}

/**
 * What an idle connection of an authenticated device costs in memory: each a device of its own that takes mail and
 * streams. Everything it needs counts: its owner's statements, its slot, its rates. Beside it a bare WebSocket.
 */
export async function measureIdle(report: Report): Promise<void> {
  if (!report.wants('idle-kib')) return;
  const flags = ['--expose-gc', ...asDeployed];
  report.progress('idle-kib: bare connections');
  const bare = startChild('./serve-bare.ts', flags);
  const baseline = await perConnection(bare, (await bare.ask({})) as number, null);
  bare.end();
  report.progress('idle-kib: devices');
  const relay = startChild('./serve-relay.ts', flags);
  const ours = await perConnection(relay, (await relay.ask(limits)) as number, devicesPerOwner);
  relay.end();
  report.row({ name: 'idle-kib', unit: 'KiB', value: ours.idle, baseline: baseline.idle });
  const both = (cost: keyof Cost) => `${ours[cost].toFixed(2)} and ${baseline[cost].toFixed(2)} KiB`;
  report.note(
    `idle-kib: ${connections} connections, ${devicesPerOwner} devices an owner, plaintext on loopback, resident after ` +
      `${restMs / 60_000} minutes of rest, no collection asked for; when the last had come ${both('atOnce')}; with all spare ` +
      `room given back (gc of last resort) ${both('least')}; ${raised(limits)}`,
  );
}
