/** The newest checkpoint that was cosigned for one log. */
export interface WitnessHead {
  readonly origin: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** The signed note with the log's signature and ours. */
  readonly note: string;
}

/** What a witness must never forget. */
export interface WitnessStore {
  head(origin: string): Promise<WitnessHead | undefined>;
  /**
   * Records the head if the log still stands at `from` (0: never seen) under the root `fromRoot`, and resolves once it is
   * durable. Compared and written in one transaction: two requests that were checked against the same size cannot both
   * advance it (C2SP tlog-witness, the race of section add-checkpoint). False when the log stands elsewhere by now.
   */
  advance(from: { readonly size: number; readonly root: Uint8Array }, head: WitnessHead): Promise<boolean>;
  close(): Promise<void>;
}
