import type { Frame } from '@caponier/protocol';
import { relayErrorOf } from '@caponier/protocol';
import type { Dice } from '../dice.ts';
import { Broken } from '../types.ts';
import { Line, type Party } from './line.ts';

/** One message as its sender keeps it until it is accepted. */
export interface Sent {
  readonly id: Uint8Array;
  readonly body: Uint8Array;
}

/** Messages under way at once. */
const window = 24;

/**
 * Sends without end, as a client does that keeps its outbox on disk: what was not accepted is sent again, in order and under
 * its id, on the next connection.
 */
export class Sender {
  readonly #party: Party;
  readonly #to: Uint8Array;
  readonly #dice: Dice;
  /** Everything, in the order in which it was said. */
  readonly said: Sent[] = [];
  readonly #waiting: Sent[] = [];
  readonly #accepted = new Set<string>();
  #line: Line | null = null;
  #isStopped = false;
  trouble: Error | null = null;
  repeats = 0;

  constructor(party: Party, to: Uint8Array, dice: Dice) {
    this.#party = party;
    this.#to = to;
    this.#dice = dice;
  }

  get accepted(): number {
    return this.#accepted.size;
  }

  /** Connects, sends what is left over, and goes on with more. */
  async connect(url: string): Promise<boolean> {
    this.#line?.cut();
    const line = new Line(url, this.#party, (frame) => this.#hear(line, frame));
    this.#line = line;
    if (!(await line.ready())) return false;
    this.repeats += this.#waiting.length;
    for (const sent of this.#waiting) this.#send(sent);
    this.#fill();
    return true;
  }

  #fill(): void {
    while (!this.#isStopped && this.#waiting.length < window) {
      const body = this.#dice.bytes(1 + this.#dice.below(this.#dice.once(10) ? 6_000 : 400));
      const sent = { id: this.#dice.bytes(16), body };
      this.said.push(sent);
      this.#waiting.push(sent);
      this.#send(sent);
    }
  }

  #send({ id, body }: Sent): void {
    this.#line?.say('mail', { to: this.#to, id, seconds: 0, body });
  }

  #hear(line: Line, frame: Frame): void {
    if (line !== this.#line) return;
    if (frame.type === 'refused') this.trouble = new Broken(`a mail was refused: ${relayErrorOf(frame.code)}`);
    if (frame.type !== 'accepted') return;
    const name = Buffer.from(frame.id).toString('hex');
    const at = this.#waiting.findIndex(({ id }) => Buffer.compare(id, frame.id) === 0);
    if (at < 0) {
      if (!this.#accepted.has(name)) this.trouble = new Broken('accepted, and never sent');
      return;
    }
    this.#waiting.splice(at, 1);
    this.#accepted.add(name);
    this.#fill();
  }

  /** Says nothing new any more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Whether all that was said is accepted. */
  get isDone(): boolean {
    return this.#waiting.length === 0;
  }

  cut(): void {
    this.#line?.cut();
  }
}
