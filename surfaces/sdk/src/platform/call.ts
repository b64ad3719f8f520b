import { errorOfProblem, fail } from '@caponier/protocol';
import type * as z from 'zod/mini';
import type { Service } from '../directory/types.ts';
import type { FetchInit, Transport } from '../transport/types.ts';

/** Bytes of an answer to a JSON call, unless said otherwise. */
const maxAnswerBytes = 4 * 1024 * 1024;

type Where = Pick<Service, 'url' | 'pin'>;

/** One JSON call to a service. A refusal is thrown as its coded error, another form as `host.unreachable`. */
export async function call<T extends z.ZodMiniType>(
  transport: Transport,
  service: Where,
  path: string,
  form: T,
  options: {
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
    readonly signal?: AbortSignal;
    readonly timeout?: number;
  } = {},
): Promise<z.infer<T>> {
  const { body, headers, signal, timeout } = options;
  const init: FetchInit = {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    maxBytes: maxAnswerBytes,
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
    ...(timeout !== undefined && { timeout }),
  };
  const response = await transport.fetch(`${service.url}${path}`, init, service.pin ?? undefined);
  const answer = await response.json().catch((cause: unknown) => {
    throw fail('host.unreachable', 'not an answer of ours', cause);
  });
  if (response.status !== 200) throw errorOfProblem(answer);
  const parsed = form.safeParse(answer);
  if (!parsed.success) throw fail('host.unreachable', `answer of ${path}`);
  return parsed.data;
}

/** One text, such as a proof file. */
export async function callText(transport: Transport, service: Where, path: string): Promise<string> {
  const response = await transport.fetch(`${service.url}${path}`, {}, service.pin ?? undefined);
  if (response.status !== 200) throw errorOfProblem(await response.json().catch(() => null));
  return response.text();
}
