import { fail, type workerWire } from '@caponier/protocol';
import { printable } from '@caponier/sdk/printable';
import type { Run } from '../command.ts';
import { wholeNumber } from '../flags.ts';
import { hereDaemon } from '../home/context.ts';
import { readAll } from '../terminal/input.ts';
import { shown } from '../terminal/output.ts';
import { perform } from './perform.ts';

const mostVersions = 1_000_000_000;

export async function putMemory({ args: [place = '', ...words], output }: Run): Promise<void> {
  const { client } = hereDaemon();
  const text = words.length > 0 ? words.join(' ') : await readAll();
  if (text === '') throw fail('cli.usage', 'there is no text');
  const { result } = await perform<workerWire.MemoryVersion>(client, {
    what: 'memory.put',
    place,
    text,
    expected: null,
  });
  output.document({ place, ...result });
  output.line(`Kept as ${shown(place)}, version ${result.version}.`);
}

export async function getMemory({ args: [place = ''], options, output }: Run): Promise<void> {
  const { client } = hereDaemon();
  const version = wholeNumber(options.version, '--version', 1, mostVersions) ?? null;
  const { result } = await perform<workerWire.MemoryEntry>(client, { what: 'memory.get', place, version });
  output.document(result);
  output.line(printable(result.text, { lines: true }));
}

export async function searchMemory({ args, options, output }: Run): Promise<void> {
  const { client } = hereDaemon();
  const { result } = await perform<workerWire.MemoryFound>(client, {
    what: 'memory.search',
    beginning: `${options.in ?? ''}*`,
    query: args.join(' '),
    limit: wholeNumber(options.limit, '--limit', 1, 200) ?? 20,
  });
  output.document(result);
  if (result.entries.length === 0) output.line('Nothing found.');
  output.table(result.entries.map(({ namespace, key, version, text }) => [`${namespace}/${key}`, `v${version}`, text]));
}
