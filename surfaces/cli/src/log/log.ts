import { writeFile } from 'node:fs/promises';
import { fail } from '@caponier/protocol';
import type { Run } from '../command.ts';
import { wholeNumber } from '../flags.ts';
import { hereDaemon } from '../home/context.ts';
import { shown } from '../terminal/output.ts';

const shortId = 12;
/** Entries looked through for the beginning of an id. */
const mostSearched = 10_000;

export async function showLog({ options, output }: Run): Promise<void> {
  const limit = wholeNumber(options.limit, '--limit', 1, mostSearched) ?? 20;
  const { client } = hereDaemon();
  const { entries } = await client.call('log', { limit });
  output.document({ entries });
  if (entries.length === 0) output.line('Nothing was asked for yet.');
  output.table(
    entries.map(({ request, at, agent, op, resource, decision, result, code }) => [
      new Date(at).toISOString().slice(0, 16).replace('T', ' '),
      request.slice(0, shortId),
      agent ?? 'you',
      `${op} ${resource}`,
      result ?? (decision === 'allow' ? 'allowed' : (decision ?? code)),
    ]),
  );
}

export async function writeCapsule({ args: [id = ''], options, output }: Run): Promise<void> {
  const file = fileOf(options.output);
  const { client } = hereDaemon();
  let request = id;
  if (!/^[A-Za-z0-9_-]{43}$/.test(id)) {
    const { entries } = await client.call('log', { limit: mostSearched });
    const found = entries.filter((entry) => id.length >= shortId / 2 && entry.request.startsWith(id));
    if (found.length !== 1) throw fail('cli.no_request');
    request = found[0]!.request;
  }
  const { capsule } = await client.call('capsule', { request });
  await write(file, Buffer.from(capsule, 'base64url'));
  output.document({ request, file });
  output.line(`Written to ${shown(file)}. Check it: caponier verify ${shown(file)} --trust <trust file>`);
}

export async function writeTrust({ options, output }: Run): Promise<void> {
  const file = fileOf(options.output);
  const { client } = hereDaemon();
  const { trust } = await client.call('trustFile', {});
  await write(file, Buffer.from(trust, 'base64url'));
  output.document({ file });
  output.line(`Written to ${shown(file)}. Give it another way than the capsules: it is what they are checked against.`);
}

function fileOf(given: unknown): string {
  if (typeof given !== 'string') throw fail('cli.usage', 'say with -o where the file goes');
  return given;
}

async function write(file: string, bytes: Uint8Array): Promise<void> {
  await writeFile(file, bytes, { mode: 0o600 }).catch((cause: unknown) => {
    throw fail('cli.no_file', file, cause);
  });
}
