import { median, percentile } from '../measure.ts';
import type { Report } from '../suite.ts';
import { asDeployed, type Child, startChild } from './child.ts';
import { raised } from './limits.ts';
import type { FloodReport, Hold, Storm } from './load-flood.ts';
import type { Echo, LoadOptions } from './load-streams.ts';
import type { RelayServerOptions } from './serve-relay.ts';

const strangers = 8_000;
const bad = 8_000;
/** Below what one address may ask for in a minute, unraised. */
const perAddress = 8;
const holdPerSecond = 1_000;
const badPerSecond = 320;
const echoEveryMs = 2;
const windowMs = 2_000;
const quietWindows = 7;

/** Only the cap on strangers is raised, and the time they have: what one address may do is as it is by default. */
const limits: RelayServerOptions = {
  limits: { connections: 16_000, strangers: strangers + 1_000, handshakeMs: 60_000 },
  flags: { '--max-connections': 16_000 },
};

/** The 99th percentile of the round trips of a pair, in windows of time until `over`; microseconds. */
async function watch(load: Child, over: () => boolean): Promise<number[]> {
  const windows: number[] = [];
  while (!over()) {
    const times = (await load.ask({ echoMs: windowMs, everyMs: echoEveryMs } satisfies Echo)) as number[];
    windows.push(percentile(times, 0.99));
  }
  return windows;
}

/**
 * A pair of devices while nobody else is there, and while strangers hold thousands of connections and try thousands of
 * bad handshakes: what it feels of them, and what they cost in memory.
 */
export async function measureFlood(report: Report): Promise<void> {
  const wanted = ['flood-p99', 'flood-memory'].filter((name) => report.wants(name));
  if (wanted.length === 0) return;
  report.progress('flood: quiet');
  const relay = startChild('./serve-relay.ts', ['--expose-gc', ...asDeployed]);
  const port = (await relay.ask(limits)) as number;
  const load = startChild('./load-streams.ts');
  await load.ask({ server: 'relay', port, pairs: 1, payload: 256 } satisfies LoadOptions);
  const flood = startChild('./load-flood.ts');
  await flood.ask({ port });
  const windows = (count: number) => () => count-- === 0;
  await watch(load, windows(1));
  const quiet = await watch(load, windows(quietWindows));
  const resident = async () => (await relay.ask({ resident: 'least' })) as number;
  const quietBytes = await resident();

  report.progress('flood: strangers come');
  const looks: number[] = [];
  let looking = true;
  const look = async () => {
    while (looking) {
      looks.push((await relay.ask({ resident: 'now' })) as number);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  };
  const looked = look();
  const held = (await flood.ask({
    hold: strangers,
    perAddress,
    perSecond: holdPerSecond,
  } satisfies Hold)) as FloodReport;
  report.progress('flood: bad handshakes');
  let over = false;
  const storm = flood.ask({ bad, perSecond: badPerSecond } satisfies Storm).then((answer) => {
    over = true;
    return answer as FloodReport;
  });
  const loud = await watch(load, () => over);
  const stormed = await storm;
  looking = false;
  await looked;
  const loudBytes = await resident();
  for (const child of [flood, load, relay]) child.end();

  const miB = 1024 * 1024;
  if (report.wants('flood-p99'))
    report.row({ name: 'flood-p99', unit: 'us', value: median(loud), baseline: median(quiet) });
  if (report.wants('flood-memory'))
    report.row({ name: 'flood-memory', unit: 'MiB', value: loudBytes / miB, baseline: quietBytes / miB });
  report.note(
    `${wanted.join(', ')}: ${held.held} strangers held at once, ${stormed.held} to the end; ${bad} bad handshakes, ` +
      `${badPerSecond} a second, ${stormed.challenged} got as far as a challenge; an echo each ${echoEveryMs} ms, windows of ` +
      `${windowMs / 1000} s; the baseline is the same pair before; memory is resident after gc while all are held, its peak ` +
      `${Math.round(Math.max(...looks) / miB)} MiB; ${raised(limits)}`,
  );
}
