import { type ErrorCode, errorCatalogue, fail } from '../errors/catalogue.ts';
import { relayErrors } from '../errors/relay.ts';
import { maxFrameBytes } from '../limits.ts';
import { Cursor, type Field } from './fields.ts';
import {
  type AnyForm,
  type Frame,
  type FrameName,
  formsByCode,
  maxDataBytes,
  relayFrames,
  relayHeaderBytes,
  relayVersion,
  type Side,
} from './table.ts';

type FieldValues = Readonly<Record<string, never>>;

/** Frames without a channel may leave it out. */
export type FrameInput<N extends FrameName> = Omit<Frame<N>, 'channel' | 'type'> & { readonly channel?: number };

/** Builds one frame. Throws `relay.protocol` for a value its field cannot hold, `relay.too_large` above 256 KiB. */
export function encodeFrame<N extends FrameName>(name: N, values: FrameInput<N>): Uint8Array {
  const form = formsByCode[relayFrames[name].code]!;
  const channel = values.channel ?? 0;
  checkChannel(form, channel);
  const fields = values as unknown as FieldValues;
  let size = relayHeaderBytes;
  for (const [field, codec] of form.fields) size += codec.size(fields[field]!);
  if (size > maxFrameBytes) throw fail('relay.too_large', `${name} of ${size} bytes`);
  const frame = new Uint8Array(size);
  const view = new DataView(frame.buffer);
  frame[0] = relayVersion;
  frame[1] = form.code;
  view.setUint32(4, channel);
  let at = relayHeaderBytes;
  for (const [field, codec] of form.fields) at = codec.write(fields[field]!, view, at);
  return frame;
}

function checkChannel(form: AnyForm, channel: number): void {
  if (!Number.isInteger(channel) || channel < 0 || channel > 0xffff_ffff) throw fail('relay.protocol', 'channel');
  if (form.channel === 'none' && channel !== 0) throw fail('relay.protocol', `${form.name} with a channel`);
  if (form.channel === 'some' && channel === 0) throw fail('relay.protocol', `${form.name} without a channel`);
}

/** The form of a frame whose header holds, from that side. Throws `relay.protocol`, `relay.too_large`. */
function formOf(frame: Uint8Array, from: Side): AnyForm {
  if (frame.length > maxFrameBytes) throw fail('relay.too_large', `${frame.length} bytes`);
  if (frame.length < relayHeaderBytes) throw fail('relay.protocol', 'no whole header');
  if (frame[0] !== relayVersion) throw fail('relay.protocol', `version ${frame[0]}`);
  if (frame[2] !== 0 || frame[3] !== 0) throw fail('relay.protocol', 'reserved bytes');
  const form = formsByCode[frame[1]!];
  if (!form) throw fail('relay.protocol', `type ${frame[1]}`);
  if (form.from !== 'both' && form.from !== from) throw fail('relay.protocol', `${form.name} from a ${from}`);
  return form;
}

/**
 * The frame in these bytes, spoken by `from`. Throws `relay.protocol` or `relay.too_large` for everything that is not
 * exactly one frame of the table. Byte fields are copies.
 */
export function decodeFrame(bytes: Uint8Array, from: Side): Frame {
  const form = formOf(bytes, from);
  const cursor = new Cursor(bytes, relayHeaderBytes);
  const channel = channelOf(bytes);
  checkChannel(form, channel);
  const frame: Record<string, unknown> = { type: form.name, channel };
  for (const [name, codec] of form.fields) frame[name] = (codec as Field<unknown>).read(cursor);
  if (cursor.left > 0) throw fail('relay.protocol', `${cursor.left} bytes left over`);
  return frame as Frame;
}

/** Number of the stream, request or meeting a frame belongs to. The frame has a whole header. */
export function channelOf(frame: Uint8Array): number {
  return ((frame[4]! << 24) | (frame[5]! << 16) | (frame[6]! << 8) | frame[7]!) >>> 0;
}

/** Renumbers a frame in place: how the relay passes `data` from one connection's number to another's without a copy. */
export function setChannel(frame: Uint8Array, channel: number): void {
  frame[4] = channel >>> 24;
  frame[5] = channel >>> 16;
  frame[6] = channel >>> 8;
  frame[7] = channel;
}

/** True for a `data` frame whose header holds: the one check on the hot path, equal to what `decodeFrame` demands of it. */
export function isDataFrame(frame: Uint8Array): boolean {
  return (
    frame.length >= relayHeaderBytes &&
    frame.length <= relayHeaderBytes + maxDataBytes &&
    frame[1] === relayFrames.data.code &&
    frame[0] === relayVersion &&
    frame[2] === 0 &&
    frame[3] === 0 &&
    (frame[4]! | frame[5]! | frame[6]! | frame[7]!) !== 0
  );
}

const codeByNumber: ReadonlyMap<number, ErrorCode> = new Map(
  Object.entries(relayErrors).flatMap(([code, { close }]) => (close ? [[close, code as ErrorCode] as const] : [])),
);

/** The number on the wire (and WebSocket close code) of an error; what has none goes as `relay.unavailable`. */
export function relayNumberOf(code: ErrorCode): number {
  return errorCatalogue[code].close ?? relayErrors['relay.unavailable'].close!;
}

/** The error a number stands for; `relay.disconnected` for close codes that are not ours. */
export function relayErrorOf(number: number): ErrorCode {
  if (number === 1008) return 'relay.rate_limited';
  if (number === 1009) return 'relay.too_large';
  return codeByNumber.get(number) ?? 'relay.disconnected';
}
