import { fromBase64url, fromUtf8 } from '@caponier/crypto';
import { fail, workerWire } from '@caponier/protocol';
import type { Asker, AskOptions, Call, CallArgs, CallName, CallResults, Device } from '@caponier/sdk';

/** Entries that one search of an agent yields. */
const maxFound = 20;

type Answers = Pick<AskOptions, 'onAsk' | 'signal'>;

/** One call of an agent, done under the agent's own key. */
export async function performCall(
  device: Device,
  self: CallResults['whoami'],
  asker: Asker,
  { call, args }: Call,
  answers: Answers,
): Promise<CallResults[CallName]> {
  const options = { asker, ...answers };
  switch (call) {
    case 'whoami':
      return self;
    case 'secret_use':
      return useSecret(device, args, options);
    case 'memory_get': {
      const { result } = await device.permits.memory.get(args.key, options);
      return { key: args.key, text: result.text, version: result.version };
    }
    case 'memory_search': {
      const found = await device.permits.memory.search(`${args.namespace}/*`, args.query, {
        limit: maxFound,
        ...options,
      });
      return {
        entries: found.result.entries.map(({ namespace, key, text }) => ({ key: `${namespace}/${key}`, text })),
      };
    }
    case 'send_message': {
      const { id } = await device.mail.send({ to: args.to, text: args.text, fromAgent: asker.agent });
      return { message: id };
    }
  }
}

async function useSecret(
  device: Device,
  args: CallArgs<'secret_use'>,
  options: AskOptions,
): Promise<CallResults['secret_use']> {
  const headers = Object.fromEntries(Object.entries(args.headers).map(([name, value]) => [name.toLowerCase(), value]));
  const call = {
    method: args.method,
    url: args.url,
    headers,
    body: args.body,
    place: placeOf(args.url, headers, args.body),
  };
  const checked = workerWire.SecretCall.safeParse(call);
  if (!checked.success) throw fail('vault.bad_call', checked.error.issues[0]?.path.join('.') ?? '');
  const { result } = await device.permits.secrets.use(args.secret, checked.data, { purpose: args.purpose, ...options });
  return { status: result.status, headers: result.headers, body: textOf(fromBase64url(result.body)) };
}

/** Where the placeholder stands; the vault refuses a call where it stands anywhere else, too. */
function placeOf(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string | null,
): workerWire.SecretCall['place'] {
  const header = Object.keys(headers).find((name) => headers[name]!.includes(workerWire.secretPlaceholder));
  if (header !== undefined) return { in: 'header', name: header };
  const query = [...(URL.parse(url)?.searchParams ?? [])].find(([, value]) => value === workerWire.secretPlaceholder);
  if (query) return { in: 'query', name: query[0] };
  if (body?.includes(workerWire.secretPlaceholder)) return { in: 'body' };
  throw fail('vault.bad_call', 'no placeholder');
}

/** The answer as text; bytes that are no text stay base64url-free and are said to be there. */
function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    return `(${bytes.length} bytes that are not text)`;
  }
}
