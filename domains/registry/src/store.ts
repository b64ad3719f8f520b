import type { LeafClass, registryWire } from '@caponier/protocol';
import type { Tile } from '@caponier/tlog';

type LogName = registryWire.LogName;

export interface StoredStatement {
  readonly id: string;
  readonly owner: string;
  readonly seq: number;
  /** Place in `owners`. */
  readonly index: number;
  readonly class: LeafClass;
  /** Compact JWS, and those of its cosigns. */
  readonly statement: string;
  readonly cosigns: readonly string[];
}

export interface StoredFreeze {
  readonly id: string;
  readonly owner: string;
  readonly statement: string;
}

/** Keys that an owner gave some right. */
export interface OwnerKeys {
  readonly owner: string;
  readonly keys: readonly string[];
}

/** What one transaction adds to a log. */
export interface Integration {
  readonly log: LogName;
  /** Size of the tree before. */
  readonly from: number;
  readonly entries: readonly Uint8Array[];
  /** Tiles that are new or wider. */
  readonly tiles: readonly Tile[];
  readonly statements: readonly StoredStatement[];
  /** Who may read the private statements of an owner from now on. */
  readonly readers: readonly OwnerKeys[];
  /** Who may freeze for an owner from now on. */
  readonly approvers: readonly OwnerKeys[];
  /** Freezes that no longer stand. */
  readonly thawed: readonly string[];
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** A leaf of `owners` as one reader may see it. */
export interface ShownLeaf {
  readonly index: number;
  readonly entry: Uint8Array;
  readonly statement: string | null;
  readonly cosigns: readonly string[];
}

/** What a registry must not forget. Every write resolves once it is durable. */
export interface RegistryStore {
  /** Size of the tree, and the newest cosigned checkpoint; null before the first. */
  log(log: LogName): Promise<{ readonly size: number; readonly note: string | null }>;
  /** All or nothing. Throws `store.damaged` when the tree is not of size `from`: another process writes the same store. */
  integrate(batch: Integration): Promise<void>;
  publish(args: { readonly log: LogName; readonly note: string }): Promise<void>;
  tile(args: {
    readonly log: LogName;
    readonly level: number;
    readonly index: number;
  }): Promise<Uint8Array | undefined>;
  /** Entries `[from, to)`, at most 256. */
  entries(args: { readonly log: LogName; readonly from: number; readonly to: number }): Promise<Uint8Array[]>;
  /** The index of each entry, null where it is not in the log. At most 1,024. */
  indicesOf(args: { readonly log: LogName; readonly entries: readonly Uint8Array[] }): Promise<(number | null)[]>;

  statement(id: string): Promise<StoredStatement | undefined>;
  /** By `seq`, from `from` on. */
  chain(args: { readonly owner: string; readonly from: number; readonly limit: number }): Promise<StoredStatement[]>;
  /** Leaves `[from, to)`, cut at the page limits; private statements only where `reader` may see them. */
  page(args: { readonly from: number; readonly to: number; readonly reader: string | null }): Promise<ShownLeaf[]>;
  isReader(args: { readonly owner: string; readonly key: string }): Promise<boolean>;
  /** Whether any owner has named the key as a reader. */
  readsAnything(key: string): Promise<boolean>;
  /** Statements of the owner since `since`, and owners in all. */
  counts(args: {
    readonly owner: string;
    readonly since: number;
  }): Promise<{ readonly written: number; readonly owners: number }>;
  /** One use of an admission ticket; false when all are taken. `now`, `expires`: seconds. */
  takeTicket(args: {
    readonly id: string;
    readonly uses: number;
    readonly expires: number;
    readonly now: number;
  }): Promise<boolean>;

  /** Undefined where nothing is kept of the owner. */
  approvers(owner: string): Promise<readonly string[] | undefined>;
  /** Keeps the approvers of an owner of whom nothing is kept yet. */
  recallApprovers(approvers: OwnerKeys): Promise<void>;
  /** False when it is there already. Throws `registry.quota` above the limits on freezes. */
  addFreeze(freeze: StoredFreeze & { readonly at: number }): Promise<boolean>;
  /** Standing freezes of one owner, or with `owner` null of all, after the id `after`; at most `limit`. */
  freezes(args: {
    readonly owner: string | null;
    readonly after: string;
    readonly limit: number;
  }): Promise<StoredFreeze[]>;
  close(): Promise<void>;
}
