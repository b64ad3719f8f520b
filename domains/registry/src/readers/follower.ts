import { toBase64url } from '@caponier/crypto';
import { fail, type registryWire } from '@caponier/protocol';
import type { VerifiedCheckpoint } from '@caponier/tlog';
import { MAX_NOW_BYTES, MAX_NOW_LINES, MAX_PAGE_LEAVES, SLOW_FOLLOWER_MS } from '../limits.ts';
import type { RegistryStore } from '../store.ts';

export interface FollowerOptions {
  readonly store: RegistryStore;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** First leaf to send. */
  readonly from: number;
  /** Who reads, where proven and where private statements are wanted. */
  readonly reader: string | null;
  /** The newest cosigned head of each log, null before the first. */
  readonly head: (log: registryWire.LogName) => VerifiedCheckpoint | null;
  readonly onEnd: (follower: Follower) => void;
}

/**
 * One stream of GET /follow. Leaves and heads are not queued: the reader's own pace pulls them out of the store, so a slow
 * one costs a page of memory. Only `now` lines are pushed, in a bounded queue. Who does not read is cut.
 */
export class Follower {
  readonly stream: ReadableStream<Uint8Array>;
  readonly reader: string | null;
  readonly #options: FollowerOptions;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #next: number;
  /** The head whose leaves are being sent. */
  #aim: VerifiedCheckpoint | null = null;
  #now: string[] = [];
  #nowBytes = 0;
  #again: string[] = [];
  /** Id of the last standing freeze that was sent; null when all were. */
  #freezesAfter: string | null = '';
  readonly #sent: Partial<Record<registryWire.LogName, VerifiedCheckpoint>> = {};
  #wake: (() => void) | undefined;
  /** When it was last given something and has not asked for more since; null while it waits for us. */
  #idleSince: number | null = null;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.reader = options.reader;
    this.#next = options.from;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => this.#end(),
      },
      { highWaterMark: 0 },
    );
  }

  /**
   * A statement that takes effect on sight. False when the stream is over. `again`: once more after the next head, because
   * until then this reader may not know the owner.
   */
  push(now: registryWire.FollowLine, again: boolean): boolean {
    if (!this.#controller) return false;
    const text = line(now);
    if (again) this.#again.push(text);
    if (
      this.#now.length >= MAX_NOW_LINES ||
      this.#again.length > MAX_NOW_LINES ||
      this.#nowBytes + text.length > MAX_NOW_BYTES
    ) {
      this.cut();
      return false;
    }
    this.#now.push(text);
    this.#nowBytes += text.length;
    this.wake();
    return true;
  }

  /** Something new is there. */
  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  isSlow(): boolean {
    return this.#idleSince !== null && this.#options.clock() - this.#idleSince > SLOW_FOLLOWER_MS;
  }

  cut(): void {
    this.#controller?.error(fail('registry.cut'));
    this.#end();
  }

  #end(): void {
    this.#controller = undefined;
    this.wake();
    this.#options.onEnd(this);
  }

  async #pull(): Promise<void> {
    this.#idleSince = null;
    while (this.#controller) {
      const lines = await this.#lines();
      if (lines.length > 0) {
        this.#controller?.enqueue(new TextEncoder().encode(lines.join('')));
        this.#idleSince = this.#options.clock();
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (this.#isBehind()) this.wake();
      });
    }
  }

  async #lines(): Promise<string[]> {
    const now = this.#now;
    this.#now = [];
    this.#nowBytes = 0;
    return now.length > 0 ? now : [...(await this.#leaves()), ...this.#heads(), ...(await this.#freezes())];
  }

  async #leaves(): Promise<string[]> {
    const { store, head, reader } = this.#options;
    // One head at a time, with all its leaves before it: aiming at the newest would never arrive while the log grows.
    if (this.#aim === null || this.#aim === this.#sent.owners) this.#aim = head('owners');
    const to = this.#aim?.size ?? 0;
    if (this.#next >= to) return [];
    const page = await store.page({ from: this.#next, to, reader });
    this.#next += page.length;
    return page.map(({ index, entry, statement, cosigns }) => {
      const shown = statement === null ? {} : { statement, cosigns: [...cosigns] };
      return line({ type: 'leaf', index, leaf: toBase64url(entry), ...shown });
    });
  }

  /** Once, after the first head: a freeze says nothing to who does not know its owner. */
  async #freezes(): Promise<string[]> {
    if (this.#freezesAfter === null || !this.#sent.owners) return [];
    const page = await this.#options.store.freezes({ owner: null, after: this.#freezesAfter, limit: MAX_PAGE_LEAVES });
    this.#freezesAfter = page.length < MAX_PAGE_LEAVES ? null : page.at(-1)!.id;
    return page.map(({ statement }) => line({ type: 'now', statement, cosigns: [] }));
  }

  #heads(): string[] {
    const lines: string[] = [];
    const send = (log: registryWire.LogName, checkpoint: VerifiedCheckpoint) => {
      this.#sent[log] = checkpoint;
      lines.push(line({ type: 'head', log, checkpoint: checkpoint.note }));
    };
    // Also when the reader knows more than we do: the smaller head then shows it that we were rolled back.
    if (this.#aim && this.#next >= this.#aim.size && this.#aim !== this.#sent.owners) {
      send('owners', this.#aim);
      lines.push(...this.#again.splice(0));
    }
    const events = this.#options.head('events');
    if (events && events !== this.#sent.events) send('events', events);
    return lines;
  }

  #isBehind(): boolean {
    const { head } = this.#options;
    return (
      this.#now.length > 0 ||
      head('owners') !== (this.#sent.owners ?? null) ||
      head('events') !== (this.#sent.events ?? null)
    );
  }
}

function line(value: registryWire.FollowLine): string {
  return `${JSON.stringify(value)}\n`;
}
