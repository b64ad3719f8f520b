import { serveParent } from './child.ts';
import { creditBytes, frameReader, makePairs, type Pair, type Server, window } from './pairs.ts';

/** The clients of the rows about streams, in a process of their own. */

export interface LoadOptions {
  readonly server: Server;
  readonly port: number;
  readonly pairs: number;
  readonly payload: number;
}

/** Messages a second of all pairs, while each keeps its window full. */
export interface Forward {
  readonly forwardMs: number;
}

/** Round trips of the first pair: one after the other, or one every so many milliseconds. Microseconds each. */
export interface Echo {
  readonly echoMs: number;
  readonly everyMs?: number;
}

class Forwarding {
  readonly #pair: Pair;
  readonly #write: Buffer;
  #credit = window;
  #ungranted = 0;
  received = 0;
  running = false;

  constructor(pair: Pair) {
    this.#pair = pair;
    this.#write = Buffer.concat(Array<Buffer>(pair.burst).fill(pair.message));
    let bytes = 0;
    const read = frameReader((length) => {
      // A server may put many messages into one frame, or one into several.
      bytes += length;
      const messages = Math.floor(bytes / pair.arrives);
      if (messages === 0) return;
      bytes -= messages * pair.arrives;
      this.received += messages;
      this.#ungranted += messages * pair.cost;
    });
    pair.receiver.on('data', (chunk) => {
      read(chunk as Buffer);
      while (this.#ungranted >= window / 2) {
        this.#ungranted -= window / 2;
        if (pair.grants) pair.receiver.write(pair.grants.receiver);
        else this.#credit += window / 2;
      }
      if (!pair.grants) this.pump();
    });
    const readGrants = frameReader((length) => {
      if (length === creditBytes) this.#credit += window / 2;
    });
    pair.sender.on('data', (chunk) => {
      readGrants(chunk as Buffer);
      this.pump();
    });
  }

  pump(): void {
    const size = this.#pair.burst * this.#pair.cost;
    while (this.running && this.#credit >= size) {
      this.#credit -= size;
      this.#pair.sender.write(this.#write);
    }
  }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What is on its way when the time is over arrives before the answer. */
async function forward(all: readonly Forwarding[], milliseconds: number): Promise<number> {
  const total = () => all.reduce((sum, { received }) => sum + received, 0);
  for (const one of all) {
    one.running = true;
    one.pump();
  }
  const before = total();
  const start = performance.now();
  await pause(milliseconds);
  const rate = ((total() - before) * 1000) / (performance.now() - start);
  for (const one of all) one.running = false;
  for (let last = -1; last !== total(); ) {
    last = total();
    await pause(20);
  }
  return rate;
}

/** Sends on one end what arrives on the other, and says how long each took. */
class Echoing {
  readonly #pair: Pair;
  readonly #sent: number[] = [];
  #times: number[] = [];
  #answered: () => void = () => {};

  constructor(pair: Pair) {
    this.#pair = pair;
    const granting = (arrives: number, grant: () => void, whole: () => void) => {
      let bytes = 0;
      let ungranted = 0;
      return frameReader((length) => {
        if (pair.grants && length === creditBytes) return;
        bytes += length;
        while (bytes >= arrives) {
          bytes -= arrives;
          ungranted += pair.cost;
          whole();
        }
        if (ungranted >= window / 2) {
          ungranted -= window / 2;
          grant();
        }
      });
    };
    const there = granting(
      pair.arrives,
      () => pair.grants && pair.receiver.write(pair.grants.receiver),
      () => pair.receiver.write(pair.reply),
    );
    const back = granting(
      pair.repliesWith,
      () => pair.grants && pair.sender.write(pair.grants.sender),
      () => {
        this.#times.push((performance.now() - this.#sent.shift()!) * 1000);
        this.#answered();
      },
    );
    pair.receiver.on('data', (chunk) => there(chunk as Buffer));
    pair.sender.on('data', (chunk) => back(chunk as Buffer));
  }

  #send(): void {
    this.#sent.push(performance.now());
    this.#pair.sender.write(this.#pair.message);
  }

  async run({ echoMs, everyMs }: Echo): Promise<number[]> {
    const end = performance.now() + echoMs;
    if (everyMs === undefined) {
      while (performance.now() < end) {
        const answered = new Promise<void>((resolve) => {
          this.#answered = resolve;
        });
        this.#send();
        await answered;
      }
    } else {
      // At its own pace, whether the one before has come back or not: a slow server is not asked less for it.
      for (let due = performance.now(); due < end; due += everyMs) {
        await pause(Math.max(0, due - performance.now()));
        this.#send();
      }
      while (this.#sent.length > 0) await pause(5);
    }
    const times = this.#times;
    this.#times = [];
    return times;
  }
}

let pairs: Pair[] = [];
let forwarding: Forwarding[] | undefined;
let echoing: Echoing | undefined;

serveParent(async (message: LoadOptions | Forward | Echo) => {
  if ('forwardMs' in message) {
    forwarding ??= pairs.map((pair) => new Forwarding(pair));
    return forward(forwarding, message.forwardMs);
  }
  if ('echoMs' in message) {
    echoing ??= new Echoing(pairs[0]!);
    return echoing.run(message);
  }
  pairs = await makePairs(message.server, message.port, message.pairs, message.payload);
  return true;
});
