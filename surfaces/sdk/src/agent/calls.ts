import type { CaponierError } from '@caponier/crypto';
import { type ErrorCode, entryOf, errorCatalogue, fail } from '@caponier/protocol';
import * as z from 'zod/mini';

/**
 * What an agent may ask of the supervisor that started it (`caponier run`), and how it is written: one JSON object a
 * line, both ways. The supervisor holds the agent's key; the agent holds nothing.
 */

/** Bytes of one line, either way. */
export const maxCallLine = 1024 * 1024;

const line = (most: number) => z.string().check(z.minLength(1), z.maxLength(most));

const forms = {
  whoami: z.strictObject({}),
  secret_use: z.strictObject({
    secret: line(256),
    purpose: line(256),
    method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']),
    url: line(2048),
    headers: z.record(line(128), z.string().check(z.maxLength(8192))),
    body: z.nullable(z.string().check(z.maxLength(256 * 1024))),
  }),
  memory_get: z.strictObject({ key: line(256) }),
  memory_search: z.strictObject({ namespace: line(128), query: line(512) }),
  send_message: z.strictObject({ to: line(96), text: line(32 * 1024) }),
} as const;

export type CallName = keyof typeof forms;
export type CallArgs<C extends CallName> = z.infer<(typeof forms)[C]>;

export interface CallResults {
  readonly whoami: {
    readonly agent: string;
    readonly device: string;
    readonly owner: string;
    /** Seconds since the epoch at which the agent's key ends. */
    readonly expires: number;
    readonly classes: readonly string[];
    readonly ops: readonly string[];
    readonly resources: readonly string[];
  };
  readonly secret_use: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
  readonly memory_get: { readonly key: string; readonly text: string; readonly version: number };
  readonly memory_search: { readonly entries: readonly { readonly key: string; readonly text: string }[] };
  readonly send_message: { readonly message: string };
}

/** A call as it came in: the name says the form of the arguments. */
export type Call = {
  readonly [C in CallName]: { readonly id: number; readonly call: C; readonly args: CallArgs<C> };
}[CallName];

const envelope = z.strictObject({
  id: z.int().check(z.gte(0), z.lte(Number.MAX_SAFE_INTEGER)),
  call: z.enum(Object.keys(forms) as [CallName, ...CallName[]]),
  args: z.unknown(),
});

const reply = z.union([
  z.strictObject({ id: z.int(), result: z.unknown() }),
  z.strictObject({ id: z.int(), error: z.strictObject({ code: z.string(), title: z.string(), hint: z.string() }) }),
]);

function parseLine(text: string): unknown {
  if (text.length > maxCallLine) throw fail('host.body_too_large', 'call');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fail('host.bad_body', 'call is not JSON', cause);
  }
}

/** The supervisor's wall. Throws `host.bad_body` or `host.body_too_large`. */
export function parseCall(text: string): Call {
  const outer = envelope.safeParse(parseLine(text));
  if (!outer.success) throw fail('host.bad_body', 'call envelope');
  const args = forms[outer.data.call].safeParse(outer.data.args);
  if (!args.success) throw fail('host.bad_body', `${outer.data.call} ${args.error.issues[0]?.path.join('.') ?? ''}`);
  return { id: outer.data.id, call: outer.data.call, args: args.data } as Call;
}

export function encodeCall(call: Call): string {
  return `${JSON.stringify({ id: call.id, call: call.call, args: call.args })}\n`;
}

export function encodeResult(id: number, result: unknown): string {
  return `${JSON.stringify({ id, result })}\n`;
}

/** Only the catalogue's words cross to the agent, never an internal message. */
export function encodeFailure(id: number, error: unknown): string {
  const { code, title, hint } = entryOf(error);
  return `${JSON.stringify({ id, error: { code, title, hint } })}\n`;
}

/** The agent's side. Throws `host.bad_body` for what is no reply; a refusal is returned as its coded error. */
export function parseReply(
  text: string,
): { readonly id: number; readonly result: unknown } | { readonly id: number; readonly error: CaponierError } {
  const parsed = reply.safeParse(parseLine(text));
  if (!parsed.success) throw fail('host.bad_body', 'reply');
  if ('result' in parsed.data) return { id: parsed.data.id, result: parsed.data.result };
  const { code } = parsed.data.error;
  const known = Object.hasOwn(errorCatalogue, code) ? (code as ErrorCode) : 'host.internal';
  return { id: parsed.data.id, error: fail(known) };
}
