import { fail, workerWire } from '@caponier/protocol';

/** One HTTP call as the agent wrote it and the request signed it: with a placeholder where the secret goes. */
export type Call = workerWire.SecretCall;

/** Headers that say how the bytes travel, which is not the agent's to say: smuggling, and answers that cannot be read. */
const ours = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'expect',
  'keep-alive',
  'accept-encoding',
  'proxy-authorization',
  'proxy-connection',
  'http2-settings',
]);

/** Throws `vault.bad_call`. */
export function parseCall(body: unknown): Call {
  const parsed = workerWire.SecretCall.safeParse(body);
  if (!parsed.success) throw fail('vault.bad_call', parsed.error.issues[0]?.path.join('.') ?? '');
  if (Object.keys(parsed.data.headers).some((name) => ours.has(name))) throw fail('vault.bad_call', 'header');
  return parsed.data;
}
