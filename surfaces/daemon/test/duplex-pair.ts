import { fail } from '@caponier/protocol';
import type { Duplex } from '@caponier/sdk';

/** Two ends of a channel in memory: messages in order, a sender that waits while the other does not read. */
export function duplexPair(): [Duplex, Duplex] {
  const left = new Queue();
  const right = new Queue();
  return [end(left, right), end(right, left)];
}

class Queue {
  readonly waiting: Uint8Array[] = [];
  ended = false;
  closed = false;
  #changed: (() => void)[] = [];

  change(): void {
    for (const wake of this.#changed.splice(0)) wake();
  }

  changed(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve));
  }
}

function end(incoming: Queue, outgoing: Queue): Duplex {
  return {
    purpose: 'shell',
    peer: { owner: '', device: 'did:key:z6Mk', name: 'peer', role: 'controller' },
    viewAge: 0,
    async send(message) {
      while (outgoing.waiting.length > 8 && !outgoing.closed) await outgoing.changed();
      if (outgoing.closed || outgoing.ended) throw fail('session.closed');
      outgoing.waiting.push(message.slice());
      outgoing.change();
    },
    messages: {
      async *[Symbol.asyncIterator]() {
        for (;;) {
          const message = incoming.waiting.shift();
          if (message) {
            incoming.change();
            yield message;
          } else if (incoming.ended) return;
          else if (incoming.closed) throw fail('session.bad_record', 'cut');
          else await incoming.changed();
        }
      },
    },
    async end() {
      outgoing.ended = true;
      outgoing.change();
    },
    close() {
      for (const queue of [incoming, outgoing]) {
        queue.closed = true;
        queue.change();
      }
    },
  };
}
