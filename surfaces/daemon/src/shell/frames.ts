import { concat, fromUtf8, utf8 } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import * as z from 'zod/mini';

/**
 * What goes over a channel of purpose `shell`: one message a frame, a byte that says which, then its content.
 *
 * | byte | from   | frame     | content                                   |
 * |------|--------|-----------|-------------------------------------------|
 * | 1    | client | start     | JSON: command, terminal                   |
 * | 2    | client | input     | bytes                                     |
 * | 3    | client | resize    | columns, rows: 16 bits each, big-endian   |
 * | 4    | client | input end | nothing                                   |
 * | 65   | host   | output    | bytes                                     |
 * | 66   | host   | errors    | bytes; only without a terminal            |
 * | 67   | host   | exit      | JSON: code, signal                        |
 * | 68   | host   | refused   | the code of the catalogue, as text        |
 */

/** Columns and rows of a terminal, and bytes of a command. */
const maxTerminalSide = 1000;
const maxCommandBytes = 64 * 1024;

const side = z.int().check(z.gte(1), z.lte(maxTerminalSide));
const start = z.strictObject({
  command: z.nullable(z.string().check(z.minLength(1), z.maxLength(maxCommandBytes))),
  terminal: z.nullable(
    z.strictObject({
      columns: side,
      rows: side,
      term: z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/)),
    }),
  ),
});
const exit = z.strictObject({
  code: z.int().check(z.gte(0), z.lte(255)),
  signal: z.nullable(z.string().check(z.regex(/^SIG[A-Z0-9]{1,12}$/))),
});

export type ShellStart = z.infer<typeof start>;
export type ShellExit = z.infer<typeof exit>;

export type ClientFrame =
  | ({ readonly type: 'start' } & ShellStart)
  | { readonly type: 'input'; readonly bytes: Uint8Array }
  | { readonly type: 'resize'; readonly columns: number; readonly rows: number }
  | { readonly type: 'inputEnd' };

export type HostFrame =
  | { readonly type: 'output' | 'errors'; readonly bytes: Uint8Array }
  | ({ readonly type: 'exit' } & ShellExit)
  | { readonly type: 'refused'; readonly code: string };

const bad = (detail: string, cause?: unknown) => fail('session.bad_record', `shell frame: ${detail}`, cause);

function parseJson<T>(form: z.ZodMiniType<T>, content: Uint8Array): T {
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(content));
  } catch (cause) {
    throw bad('not JSON', cause);
  }
  const parsed = form.safeParse(value);
  if (!parsed.success) throw bad('form');
  return parsed.data;
}

const frame = (type: number, content: Uint8Array = new Uint8Array(0)) => concat(new Uint8Array([type]), content);
const json = (value: unknown) => utf8(JSON.stringify(value));

export function encodeClientFrame(of: ClientFrame): Uint8Array {
  switch (of.type) {
    case 'start':
      return frame(1, json({ command: of.command, terminal: of.terminal }));
    case 'input':
      return frame(2, of.bytes);
    case 'resize':
      return frame(3, new Uint8Array([of.columns >> 8, of.columns & 255, of.rows >> 8, of.rows & 255]));
    case 'inputEnd':
      return frame(4);
  }
}

/** Throws `session.bad_record`. */
export function decodeClientFrame(message: Uint8Array): ClientFrame {
  const content = message.subarray(1);
  switch (message[0]) {
    case 1:
      return { type: 'start', ...parseJson(start, content) };
    case 2:
      return { type: 'input', bytes: content };
    case 3: {
      if (content.length !== 4) throw bad('size');
      const [columns, rows] = [(content[0]! << 8) | content[1]!, (content[2]! << 8) | content[3]!];
      if (!side.safeParse(columns).success || !side.safeParse(rows).success) throw bad('size');
      return { type: 'resize', columns, rows };
    }
    case 4:
      if (content.length !== 0) throw bad('input end');
      return { type: 'inputEnd' };
    default:
      throw bad('type');
  }
}

export function encodeHostFrame(of: HostFrame): Uint8Array {
  switch (of.type) {
    case 'output':
      return frame(65, of.bytes);
    case 'errors':
      return frame(66, of.bytes);
    case 'exit':
      return frame(67, json({ code: of.code, signal: of.signal }));
    case 'refused':
      return frame(68, utf8(of.code));
  }
}

/** Throws `session.bad_record`. */
export function decodeHostFrame(message: Uint8Array): HostFrame {
  const content = message.subarray(1);
  switch (message[0]) {
    case 65:
      return { type: 'output', bytes: content };
    case 66:
      return { type: 'errors', bytes: content };
    case 67:
      return { type: 'exit', ...parseJson(exit, content) };
    case 68: {
      const code = content.length <= 64 ? fromUtf8(content) : '';
      if (!/^[a-z]+\.[a-z_]+$/.test(code)) throw bad('code');
      return { type: 'refused', code };
    }
    default:
      throw bad('type');
  }
}
