import type { Did } from '@caponier/protocol';

/** What a mail carries. `ask`, `answer` and `delivered` are handled here; `text` is for people and agents. */
export type MailContent =
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type: 'ask';
      readonly request: string;
      readonly delegations: readonly string[];
      readonly permit: string;
      /** The request's body, base64url; null where it has none. */
      readonly body: string | null;
    }
  | { readonly type: 'answer'; readonly approval: string }
  /** Statements of the sending device about messages it has. */
  | { readonly type: 'delivered'; readonly receipts: readonly string[] };

/** A message as it arrived. The sender's device is proven; text is data of a peer: `printable` before a terminal. */
export interface Letter {
  /** Its own id, the same on every device it was sent to. */
  readonly id: string;
  /** As this owner calls the sender: `box`, `claude@box`, contact `bob`, `claude@bob/box`. */
  readonly from: string;
  /** The sender's agent, as its device says; null for its person. */
  readonly fromAgent: string | null;
  readonly fromDevice: Did;
  readonly fromOwner: string;
  /** The agent of this device that it is for; null for the person. */
  readonly toAgent: string | null;
  readonly text: string;
  /** Milliseconds since the epoch, by the sender's clock. */
  readonly sentAt: number;
  /** By ours. */
  readonly receivedAt: number;
}

export interface SendOptions {
  /** A device name, a contact's name, or `agent@device`. */
  readonly to: string;
  readonly text: string;
  /** The agent that sends, `claude@laptop`; null for the person. */
  readonly fromAgent?: string | null;
  /** How long it may wait to be fetched, seconds; left out: a week here, and as the relay likes there. */
  readonly seconds?: number;
}

export interface Queued {
  readonly id: string;
  /** Devices it goes to. */
  readonly devices: readonly Did[];
  /** Resolves once the relay keeps the mail for every device; rejects with why it cannot. The mail is durable here before. */
  readonly accepted: Promise<void>;
}

export interface Sent extends Queued {
  /**
   * Resolves once a device of the recipient says, under its own key, that it has the message: no relay can say that for
   * it. Only in this run; see `onDelivered`.
   */
  readonly delivered: Promise<void>;
}

export interface Mailbox {
  /** Durable in the outbox when it resolves; delivery goes on by itself, also after a restart. Throws `mail.no_recipient`. */
  send(options: SendOptions): Promise<Sent>;
  /** Letters not yet taken, oldest first. */
  list(options?: { readonly limit?: number }): Promise<readonly Letter[]>;
  /** Forgets a letter: whoever reads it has it. */
  take(id: string): Promise<void>;
  /** Called for each new letter, after it is stored. Returns how to stop. */
  onMail(listener: (letter: Letter) => void): () => void;
  /** Called when a device says that it has a message of ours, by the message's id. Returns how to stop. */
  onDelivered(listener: (id: string, device: Did) => void): () => void;
  /** Mails in the outbox. */
  waiting(): Promise<number>;
}
