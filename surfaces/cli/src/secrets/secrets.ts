import { fail, workerWire } from '@caponier/protocol';
import { printable } from '@caponier/sdk/printable';
import type { Run } from '../command.ts';
import { hereDaemon } from '../home/context.ts';
import { readSecret } from '../terminal/input.ts';
import { shown } from '../terminal/output.ts';
import { perform } from './perform.ts';

const noPurpose = 'by hand';

export async function putSecret({ args: [name = ''], options, output }: Run): Promise<void> {
  const hosts: string[] = options.host ?? [];
  if (hosts.length === 0) throw fail('cli.usage', 'say with --host where the secret may go');
  const { client } = hereDaemon();
  const value = await readSecret(`The secret ${name}`);
  const { result } = await perform<workerWire.SecretFacts>(client, {
    what: 'secret.put',
    name,
    value: Buffer.from(value, 'utf8').toString('base64url'),
    hosts,
    allowPrivate: options.allowPrivate === true,
  });
  output.document(result);
  output.line(`Kept as ${shown(result.name)}, version ${result.version}, for ${result.hosts.map(shown).join(', ')}.`);
}

export async function useSecret({ args: [name = ''], options, output }: Run): Promise<void> {
  if (options.url === undefined) throw fail('cli.usage', '--url is missing');
  const { client } = hereDaemon();
  const given: string[] = options.header ?? ['authorization: Bearer {{secret}}'];
  const headers = Object.fromEntries(given.map(headerOf));
  const body: string | null = options.body ?? null;
  const call = workerWire.SecretCall.safeParse({
    method: options.method ?? 'GET',
    url: options.url,
    headers,
    body,
    place: placeOf(headers, body),
  });
  if (!call.success) throw fail('cli.usage', `the call: ${call.error.issues[0]?.path.join('.') ?? 'not valid'}`);
  const { request, result } = await perform<workerWire.SecretCallAnswer>(client, {
    what: 'secret.use',
    name,
    purpose: options.purpose ?? noPurpose,
    call: call.data,
  });
  const text = Buffer.from(result.body, 'base64url').toString('utf8');
  output.document({ request, ...result, body: text });
  output.line(`HTTP ${result.status}${result.truncated ? ' (not whole)' : ''}, request ${request.slice(0, 12)}`);
  output.line(printable(text, { lines: true }));
}

function headerOf(text: string): [string, string] {
  const [, name, value] = /^([A-Za-z0-9-]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined) throw fail('cli.usage', '--header: such as "accept: application/json"');
  return [name.toLowerCase(), value ?? ''];
}

/** Where the placeholder stands, which must be one place. */
function placeOf(headers: Readonly<Record<string, string>>, body: string | null) {
  const header = Object.entries(headers).find(([, value]) => value.includes(workerWire.secretPlaceholder));
  if (header) return { in: 'header', name: header[0] };
  if (body?.includes(workerWire.secretPlaceholder)) return { in: 'body' };
  throw fail('cli.usage', `${workerWire.secretPlaceholder} stands in no header and not in the body`);
}

export async function revealSecret({ args: [name = ''], options, output }: Run): Promise<void> {
  const { client } = hereDaemon();
  const purpose: string = options.purpose ?? noPurpose;
  const { result } = await perform<{ value: string }>(client, { what: 'secret.reveal', name, purpose });
  const value = Buffer.from(result.value, 'base64url').toString('utf8');
  output.document({ name, value });
  // Piped on, it is the secret and nothing else.
  if (!output.json) process.stdout.write(output.tty ? `${printable(value, { lines: true })}\n` : value);
}

export async function listSecrets({ args: [beginning = ''], output }: Run): Promise<void> {
  const { client } = hereDaemon();
  const { result } = await perform<workerWire.SecretList>(client, { what: 'secret.list', beginning: `${beginning}*` });
  output.document(result);
  if (result.secrets.length === 0) output.line('No secrets yet: caponier secret put <name> --host <host>');
  output.table(
    result.secrets.map(({ name, version, hosts, putAt }) => [
      name,
      `v${version}`,
      new Date(putAt * 1000).toISOString().slice(0, 10),
      hosts.join(', '),
    ]),
  );
}

export async function deleteSecret({ args: [name = ''], output }: Run): Promise<void> {
  const { client } = hereDaemon();
  const { result } = await perform<workerWire.SecretDeleted>(client, { what: 'secret.delete', name });
  output.document({ name, ...result });
  output.line(`${shown(name)} is forgotten.`);
}
