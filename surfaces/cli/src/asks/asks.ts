import type { LocalClient } from '@caponier/daemon/client';
import { fail } from '@caponier/protocol';
import type { Card } from '@caponier/sdk';
import { printable } from '@caponier/sdk/printable';
import type { Run } from '../command.ts';
import { hereDaemon } from '../home/context.ts';
import { type Output, shown } from '../terminal/output.ts';

/** Characters of an id that a person may type instead of a number. */
const shortId = 12;

export async function runAsks({ options, output }: Run): Promise<void> {
  const { approve, deny, watch } = options as { approve?: string; deny?: string; watch?: boolean };
  if ([approve, deny, watch].filter((flag) => flag !== undefined).length > 1) {
    throw fail('cli.usage', '--approve, --deny and --watch exclude each other');
  }
  const { client } = hereDaemon();
  if (watch) return watchCards(client, output);
  const { asks } = await client.call('asks', {});
  const chosen = approve ?? deny;
  if (chosen === undefined) return listCards(asks, output);
  const card = choose(asks, chosen);
  const decision = approve === undefined ? 'deny' : 'allow';
  await client.call('answer', { id: card.id, decision });
  output.document({ id: card.id, decision });
  output.line(`${decision === 'allow' ? 'Allowed' : 'Denied'}: ${lineOf(card)}`);
}

function choose(asks: readonly Card[], chosen: string): Card {
  const byNumber = /^\d{1,4}$/.test(chosen) ? asks[Number(chosen) - 1] : undefined;
  const byId = chosen.length >= shortId ? asks.filter(({ id }) => id.startsWith(chosen)) : [];
  const card = byNumber ?? (byId.length === 1 ? byId[0] : undefined);
  if (!card) throw fail('cli.no_card');
  return card;
}

const lineOf = ({ agent, op, resource }: Card) => `${shown(agent)} asks: ${shown(op)} ${shown(resource)}`;

function listCards(asks: readonly Card[], output: Output): void {
  output.document({ asks });
  if (asks.length === 0) output.line('Nothing waits for you.');
  for (const [i, card] of asks.entries()) showCard(card, String(i + 1), output);
  if (asks.length > 0) output.line('Say yes: caponier asks --approve 1 · no: caponier asks --deny 1');
}

async function watchCards(client: LocalClient, output: Output): Promise<void> {
  const end = new AbortController();
  process.once('SIGINT', () => end.abort());
  output.line('Waiting for asks; Ctrl-C ends.');
  for await (const card of client.stream('cards', {}, end.signal)) {
    output.item(card);
    showCard(card, card.id.slice(0, shortId), output);
  }
}

function showCard(card: Card, label: string, output: Output): void {
  const { device, purpose, amount, rule, code, body, askedAt, expires, agent } = card;
  const left = Math.max(0, Math.floor((expires * 1000 - Date.now()) / 1000));
  output.line(`${output.style('bold', label)}  ${output.style('bold', lineOf(card))}`);
  output.table(
    [
      ['why', purpose],
      ['on', agent.endsWith(`@${device}`) ? device : `${device} (its person)`],
      ...(amount ? [['amount', `${amount.units} ${amount.currency} (smallest units)`]] : []),
      ['rule', rule || code],
      [
        'asked',
        `${new Date(askedAt * 1000).toTimeString().slice(0, 8)}, ${left < 120 ? `${left} s` : `${Math.floor(left / 60)} min`} left`,
      ],
    ].map(([name = '', value = '']) => [`  ${name}`, value]),
  );
  if (body !== null) output.line(printable(body, { lines: true }).replace(/^/gm, '      '));
  output.line();
}
