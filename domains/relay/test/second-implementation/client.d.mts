/** What the test uses of `client.mjs`. */

export interface Device {
  readonly key: Buffer;
  readonly did: string;
  readonly owner: string | null;
  readonly chain: readonly string[];
}

export interface Heard {
  readonly name: string;
  readonly channel: number;
  readonly body: Buffer;
  readonly [field: string]: unknown;
}

export interface Stream {
  readonly over: Promise<number>;
  write(body: Uint8Array): Promise<void>;
  read(): Promise<Buffer>;
  close(): void;
}

export interface Options {
  readonly mode?: 'exclusive' | 'shared';
  readonly resume?: Buffer;
  readonly ticket?: string;
}

export class Connection {
  constructor(url: string, now?: () => number);
  readonly socket: WebSocket;
  readonly closed: Promise<{ readonly code: number; readonly again: boolean; readonly wait: number }>;
  send(name: string, values?: object, channel?: number): void;
  next(...names: (string | number)[]): Promise<Heard>;
  prove(device: Device, relay: Buffer, options?: Options): Promise<Heard & { readonly resume: Buffer }>;
  mail(
    to: Uint8Array,
    body: Uint8Array,
    options?: { readonly id?: Buffer; readonly seconds?: number },
  ): Promise<Buffer>;
  listen(
    keep: (mail: { readonly from: Buffer; readonly id: Buffer; readonly body: Buffer }) => Promise<void>,
    stream?: (peer: Buffer, purpose: number) => ((stream: Stream) => void) | null,
  ): void;
  open(peer: Uint8Array, purpose: number): Promise<Stream>;
  ask(name: string, values: object): Promise<Heard>;
  meet(name: Uint8Array, join: boolean): Promise<number>;
}

export function encode(name: string, values?: object, channel?: number): Buffer;
export function decode(frame: Buffer): Heard;
export function didOf(key: Buffer): string;
export function deviceFrom(seed: Buffer, owner: string | null, chain: readonly string[]): Device;
export function adviceFor(code: number, reason: string): { again: boolean; wait: number; chain?: boolean };
export function nameOf(secret: string): Buffer;
