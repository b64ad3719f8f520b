import { decodeFrame, encodeFrame, type Frame, type FrameInput, type FrameName, type Signer } from '@caponier/protocol';
import type { Relay, RelayLink, RelaySocket } from '../src/index.ts';
import { helloOf } from './hello.ts';

/** A connection in memory: what the simulator has, and what a thousand attackers cost least as. */
export class MemoryPeer implements RelaySocket {
  readonly frames: Frame[] = [];
  bytes = 0;
  bufferedAmount = 0;
  closed: number | null = null;
  /** The reason of the close. */
  reason = '';
  readonly link: RelayLink;
  /** Called for each frame as it goes out. */
  onFrame: (frame: Frame) => void = () => {};

  constructor(relay: Relay, address = '192.0.2.1') {
    this.link = relay.handleSocket(this, address);
    // Turned away at once: the end of the socket comes after its beginning all the same.
    if (this.closed !== null) this.link.ended();
  }

  send(frames: readonly Uint8Array[]): void {
    for (const bytes of frames) {
      this.bytes += bytes.length;
      const frame = decodeFrame(bytes, 'relay');
      this.frames.push(frame);
      this.onFrame(frame);
    }
  }

  close(code: number, reason = ''): void {
    if (this.closed === null) this.reason = reason;
    this.closed ??= code;
    this.link?.ended();
  }

  terminate(): void {
    this.close(1006);
  }

  say<N extends FrameName>(name: N, values: FrameInput<N>): void {
    this.raw(encodeFrame(name, values));
  }

  raw(message: Uint8Array | null): void {
    if (this.closed === null) this.link.receive(message);
  }

  has<N extends FrameName>(name: N): Frame<N>[] {
    return this.frames.filter(({ type }) => type === name) as Frame<N>[];
  }

  /** Waits, by turns of the event loop, until there is such a frame or the connection is closed. */
  async until(name: FrameName): Promise<void> {
    for (let turn = 0; turn < 2_000 && this.has(name).length === 0 && this.closed === null; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  async hello(signer: Signer, owner: string | null, chain: readonly string[], seconds: number): Promise<void> {
    await this.until('challenge');
    const [challenge] = this.has('challenge');
    if (!challenge) return;
    const hello = await helloOf(signer, challenge.challenge, seconds, { owner });
    this.say('hello', { hello, ticket: '', resume: new Uint8Array(0), chain });
    await this.until('welcome');
  }
}
