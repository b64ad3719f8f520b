import { interleave, percentile } from '../measure.ts';
import type { Report } from '../suite.ts';
import { asDeployed, type Child, startChild } from './child.ts';
import { also, oneMachine, raised } from './limits.ts';
import type { MailOptions } from './load-mail.ts';
import type { MailLoad } from './mail-load.ts';
import type { MailStoreOptions } from './serve-mail-store.ts';

const people = { owners: 8, sendersPerOwner: 8, body: 1_024 } as const satisfies MailStoreOptions;
const rounds = 5;
const roundMs = 1_500;
/** Many short ones: a disk that others use, too, stalls for whole seconds now and then. */
const paceRounds = 9;
const paceMs = 2_000;
const endless = 1e12;

const limits = also(oneMachine, {
  limits: {
    mailPerMinute: endless,
    mailBurst: endless,
    pendingMail: endless,
    pendingMailBytes: endless,
    ownerMailBytes: endless,
  },
});

/** Mail that is taken and durable: through the relay, and the same rows straight into its tables. */
export async function measureMail(report: Report): Promise<void> {
  const wanted = ['mail-durable', 'mail-p99-ms'].filter((name) => report.wants(name));
  if (wanted.length === 0) return;
  report.progress('mail-durable');
  const relay = startChild('./serve-relay.ts', [...asDeployed]);
  const ours = startChild('./load-mail.ts');
  const port = (await relay.ask(limits)) as number;
  await ours.ask({ port, ...people } satisfies MailOptions);
  const store = startChild('./serve-mail-store.ts');
  await store.ask(people);
  const rate = (child: Child) => async () => (await child.ask({ milliseconds: roundMs } satisfies MailLoad)) as number;
  const most = await interleave(rate(ours), rate(store), Math.min(rounds, report.rounds));
  if (report.wants('mail-durable')) report.row({ name: 'mail-durable', unit: 'messages/s', ...most });
  const perSecond = Math.floor(most.value / 2);
  if (report.wants('mail-p99-ms')) {
    report.progress('mail-p99-ms');
    const p99 = (child: Child) => async () =>
      percentile((await child.ask({ milliseconds: paceMs, perSecond } satisfies MailLoad)) as number[], 0.99);
    const paced = await interleave(p99(ours), p99(store), Math.min(paceRounds, report.rounds));
    report.row({ name: 'mail-p99-ms', unit: 'ms', ...paced });
  }
  report.note(
    `${wanted.join(', ')}: ${people.owners * people.sendersPerOwner} senders, ${people.body} byte bodies to devices that are away; ` +
      `p99 at ${perSecond} a second, from the time each was due; ${raised(limits)}`,
  );
  for (const child of [ours, store, relay]) child.end();
}
