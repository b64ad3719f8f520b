import type { Did, Payload, Signer, Verified, workerWire } from '@caponier/protocol';

/** Who asks: an agent with its run key, or this device for its person. `signer` may be far away: the supervisor's. */
export interface Asker {
  readonly signer: Signer;
  /** `claude@laptop`; null where the device asks for its person. */
  readonly agent: string | null;
  /** Compact `delegate` statements from the device's down to the signer's. */
  readonly delegations: readonly string[];
}

export interface PerformOptions {
  readonly class: string;
  readonly op: string;
  readonly resource: string;
  /** The parameters: JSON, as `workerWire` says; null where there are none. */
  readonly body: unknown | null;
  readonly purpose: string;
  readonly amount?: Payload<'request'>['amount'];
  /** The grant to ask under; default: the first of the view that covers this, preferring one that needs no approval. */
  readonly grant?: string;
  /** Default: this device for its person. */
  readonly asker?: Asker;
  /** Called when the gate wants a yes: cards are on their way to this many devices. */
  readonly onAsk?: (ask: { readonly request: string; readonly devices: number }) => void;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

export interface Performed<T = unknown> {
  /** Id of the request: what `asks` shows and a capsule is made of. */
  readonly request: string;
  readonly permit: Verified<'permit'>;
  readonly outcome: Verified<'outcome'>;
  readonly result: T;
}

export interface Permits {
  /** `request → permit (ask → approval → permit) → use → outcome`. Throws the code of whoever refused. */
  perform(options: PerformOptions): Promise<Performed>;
  readonly secrets: {
    put(
      name: string,
      value: Uint8Array,
      hosts: readonly string[],
      options?: { readonly allowPrivate?: boolean },
    ): Promise<Performed<workerWire.SecretFacts>>;
    use(
      name: string,
      call: workerWire.SecretCall,
      options: { readonly purpose: string } & AskOptions,
    ): Promise<Performed<workerWire.SecretCallAnswer>>;
    /** Opens what the vault sealed to this device. */
    reveal(name: string, options: { readonly purpose: string } & AskOptions): Promise<Performed<Uint8Array>>;
    list(beginning?: string): Promise<Performed<workerWire.SecretList>>;
    delete(name: string): Promise<Performed<workerWire.SecretDeleted>>;
  };
  readonly memory: {
    put(
      place: string,
      text: string,
      options?: { readonly expected?: number | null } & AskOptions,
    ): Promise<Performed<workerWire.MemoryVersion>>;
    get(
      place: string,
      options?: { readonly version?: number | null } & AskOptions,
    ): Promise<Performed<workerWire.MemoryEntry>>;
    search(
      beginning: string,
      query: string,
      options?: { readonly limit?: number } & AskOptions,
    ): Promise<Performed<workerWire.MemoryFound>>;
  };
  classify(text: string, options?: AskOptions): Promise<Performed<workerWire.ClassifyVerdict>>;
  /** A delegation signed by this device: a narrow, expiring right for an agent's run key. */
  delegate(options: {
    readonly agent: string;
    readonly key: Did;
    readonly classes: readonly string[];
    readonly ops: readonly string[];
    readonly resources: readonly string[];
    /** Seconds it lives. */
    readonly lives: number;
  }): Promise<Verified<'delegate'>>;
}

export type AskOptions = Pick<PerformOptions, 'asker' | 'onAsk' | 'signal' | 'grant'>;

/** A question for this device's person: verified, and kept until answered or expired. Plain JSON. */
export interface Card {
  /** The request's id. */
  readonly id: string;
  /** `claude@box`, or the device's name where its person asks. */
  readonly agent: string;
  readonly device: string;
  readonly class: string;
  readonly op: string;
  readonly resource: string;
  readonly purpose: string;
  readonly amount: Payload<'request'>['amount'];
  /** Why it asks: the gate's code and rule. */
  readonly code: string;
  readonly rule: string;
  /** The parameters as text, where they were shown and are what was signed; null otherwise. */
  readonly body: string | null;
  /** Seconds since the epoch. */
  readonly askedAt: number;
  readonly expires: number;
}

export interface Asks {
  list(): Promise<readonly Card[]>;
  /** Signs and mails the answer. Throws `owner.not_authorised` where this device is no approver. */
  answer(id: string, decision: 'allow' | 'deny'): Promise<void>;
  /** What a passkey is to sign for that card; then `answerSigned`. */
  approvalOf(id: string, decision: 'allow' | 'deny'): Promise<Payload<'approval'>>;
  /** An approval made elsewhere (a passkey): checked, and mailed. */
  answerSigned(approval: string): Promise<void>;
  onCard(listener: (card: Card) => void): () => void;
}
