import type { Frame } from '@caponier/protocol';
import type { Dice } from '../dice.ts';
import { Broken } from '../types.ts';
import { Line, type Party } from './line.ts';

/** A message as the application has it. */
export interface Got {
  readonly seq: number;
  readonly from: Uint8Array;
  readonly id: Uint8Array;
  readonly body: Uint8Array;
}

/**
 * Takes mail as a client does that keeps message and number in one transaction, and acknowledges afterwards: it may be
 * killed before, between and after, and then connects again knowing only what it kept.
 */
export class Recipient {
  readonly #party: Party;
  readonly #dice: Dice;
  #line: Line | null = null;
  #url = '';
  /** What is kept. */
  readonly got: Got[] = [];
  #unacknowledged = 0;
  trouble: Error | null = null;
  repeats = 0;
  crashes = 0;

  constructor(party: Party, dice: Dice) {
    this.#party = party;
    this.#dice = dice;
  }

  async connect(url: string): Promise<boolean> {
    this.#url = url;
    this.#line?.cut();
    const line = new Line(url, this.#party, (frame) => this.#hear(line, frame));
    this.#line = line;
    if (!(await line.ready())) return false;
    line.say('listen', { mail: true, streams: false });
    return true;
  }

  /** Lets all devices of an owner reach this one; resolves when that is durable. */
  allow(owner: Uint8Array): Promise<void> {
    this.#line?.say('allow', { channel: 1, device: false, id: owner, verdict: 'allow' });
    return new Promise((resolve) => {
      this.#allowed = resolve;
    });
  }
  #allowed = () => {};

  #hear(line: Line, frame: Frame): void {
    if (line !== this.#line) return;
    if (frame.type === 'done') this.#allowed();
    if (frame.type !== 'deliver') return;
    if (this.#dice.once(400)) {
      this.#crash();
      return;
    }
    const last = this.got.at(-1)?.seq ?? 0;
    if (frame.seq <= last) this.#again(frame);
    else this.got.push({ seq: frame.seq, from: frame.from, id: frame.id, body: frame.body });
    if (this.#dice.once(400)) {
      this.#crash();
      return;
    }
    this.#unacknowledged += 1;
    if (this.#unacknowledged >= 16 || this.#dice.once(4)) {
      line.say('ack', { seq: frame.seq });
      this.#unacknowledged = 0;
    }
  }

  /** What comes again is what it was: a number never means two messages. */
  #again({ seq, from, id, body }: Got): void {
    this.repeats += 1;
    const before = this.got.find((each) => each.seq === seq);
    const same =
      before !== undefined &&
      Buffer.compare(before.id, id) === 0 &&
      Buffer.compare(before.from, from) === 0 &&
      Buffer.compare(before.body, body) === 0;
    if (!same) this.trouble = new Broken(`number ${seq} stands for two messages`);
  }

  #crash(): void {
    this.crashes += 1;
    this.#unacknowledged = 0;
    // A relay that dies at this moment is connected to again by whoever started the next one.
    void this.connect(this.#url);
  }

  cut(): void {
    this.#line?.cut();
  }
}
