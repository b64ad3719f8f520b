import { availableParallelism } from 'node:os';
import { findProgram } from '@caponier/testkit';
import { interleave, median } from '../measure.ts';
import type { Report } from '../suite.ts';
import { asDeployed, type Child, startChild } from './child.ts';
import { oneMachine, raised } from './limits.ts';
import type { Echo, Forward, LoadOptions } from './load-streams.ts';
import type { Server } from './pairs.ts';

const pairs = 8;
const roundMs = 1_000;
const rounds = 7;
const echoMs = 500;

interface Side {
  readonly server: Child;
  readonly load: Child;
}

/** A server and its clients, each a process of its own. */
async function startSide(which: Server, payload: number, count: number, program?: string): Promise<Side> {
  const server = startChild(`./serve-${which}.ts`, which === 'relay' ? asDeployed : []);
  const setup = which === 'relay' ? oneMachine : { program };
  const port = (await server.ask(setup)) as number;
  const load = startChild('./load-streams.ts');
  await load.ask({ server: which, port, pairs: count, payload } satisfies LoadOptions);
  return { load, server };
}

function end(sides: readonly Side[]): void {
  for (const { load, server } of sides) {
    load.end();
    server.end();
  }
}

/** Both sides in turns: messages a second, and the middle one of the round trips of a single pair. */
async function compare(
  report: Report,
  baseline: 'splice' | 'nats',
  names: { readonly forward: string; readonly echo?: string },
  payload: number,
  program?: string,
): Promise<void> {
  const sides = async (count: number) =>
    [await startSide('relay', payload, count), await startSide(baseline, payload, count, program)] as const;
  const turns = Math.min(rounds, report.rounds);
  if (report.wants(names.forward)) {
    report.progress(names.forward);
    const [ours, theirs] = await sides(pairs);
    const round =
      ({ load }: Side) =>
      async () =>
        (await load.ask({ forwardMs: roundMs } satisfies Forward)) as number;
    report.row({
      name: names.forward,
      unit: 'messages/s',
      ...(await interleave(round(ours), round(theirs), turns)),
    });
    end([ours, theirs]);
  }
  if (names.echo !== undefined && report.wants(names.echo)) {
    report.progress(names.echo);
    const [ours, theirs] = await sides(1);
    const round =
      ({ load }: Side) =>
      async () =>
        median((await load.ask({ echoMs } satisfies Echo)) as number[]);
    report.row({ name: names.echo, unit: 'us', ...(await interleave(round(ours), round(theirs), turns)) });
    end([ours, theirs]);
  }
}

/** What the relay forwards between authenticated devices over streams, with credit and bounds. */
export async function measureForward(report: Report): Promise<void> {
  const splice = [{ forward: 'forward-256', echo: 'echo-p50-us' }, { forward: 'forward-1024' }] as const;
  const nats = { forward: 'forward-256-nats', echo: 'echo-p50-us-nats' } as const;
  const wanted = [...splice, nats].flatMap((names) => Object.values(names)).filter((name) => report.wants(name));
  if (wanted.length === 0) return;
  report.note(
    `${wanted.join(', ')}: ${pairs} pairs (echo: 1, one message on its way), one message a WebSocket frame, 16 KiB a write, ` +
      `128 KiB on the way, ${availableParallelism()} cores; ${raised(oneMachine)}`,
  );
  await compare(report, 'splice', splice[0], 256);
  await compare(report, 'splice', splice[1], 1_024);
  const program = findProgram('nats-server');
  if (program) {
    await compare(report, 'nats', nats, 256, program);
    return;
  }
  if (process.env.CAPONIER_REQUIRE_ENGINES === '1') throw new Error('nats-server is required and not installed');
  for (const name of Object.values(nats)) if (report.wants(name)) report.skip(name, 'not installed');
}
