import type { Did, Verified } from '@caponier/protocol';
import { type LaterKind, type Members, maxFreezesPerApprover } from '@caponier/verify';

/** What an owner's chain says, told a second time and as simply as possible: `OwnerView` is held against it. */

/** What a test knows about the signatures under a statement. */
export interface Signatures {
  readonly by: Did;
  readonly cosigned: readonly Did[];
}

interface Roots {
  readonly keys: readonly Did[];
  readonly k: number;
  readonly recovery: Did | null;
  readonly quorum: { readonly keys: readonly Did[]; readonly k: number };
}

interface Lift {
  readonly recovery: boolean;
  readonly by: readonly Did[];
}

export class Model {
  roots: Roots;
  rotated = false;
  readonly devices = new Map<string, string>();
  readonly approvers = new Map<string, string>();
  readonly grants = new Set<string>();
  readonly epochs = new Map<string, number>();
  trusts = 0;
  /** Freezes that were obeyed. */
  readonly freezes = new Map<string, Verified<'freeze'>>();
  /** Freezes that are signed and on their way: a thaw may overtake them. */
  readonly unseen = new Map<string, Verified<'freeze'>>();
  readonly #lifts = new Map<string, Lift[]>();

  constructor(roots: Roots) {
    this.roots = roots;
  }

  /** Whether these signatures suffice for a statement of this kind. */
  authorised(kind: LaterKind, members: Members<LaterKind>, signatures: Signatures): boolean {
    const { keys, k, recovery, quorum } = this.roots;
    const rooted = enough(keys, k, signatures);
    if (kind === 'thaw') return signatures.by === recovery || (rooted && this.#approving(signatures).length > 0);
    if (kind !== 'rotate') return rooted;
    if (signatures.by === recovery || enough(quorum.keys, quorum.k, signatures)) return true;
    return (
      rooted && !this.rotated && recovery === null && quorum.k === 0 && this.#onlyRecovery(members as Members<'rotate'>)
    );
  }

  #onlyRecovery({ keys, k, recovery, quorum }: Members<'rotate'>): boolean {
    return recovery !== null && quorum.k === 0 && k === this.roots.k && String(keys) === String(this.roots.keys);
  }

  #approving({ by, cosigned }: Signatures): Did[] {
    return cosigned.filter((did) => did !== by && this.approvers.has(did));
  }

  /** Whether a statement contradicts what is said already. */
  contradicts(kind: LaterKind, members: Members<LaterKind>): boolean {
    switch (kind) {
      case 'enroll': {
        const { device, name } = members as Members<'enroll'>;
        return this.devices.has(device) || [...this.devices.values()].includes(name);
      }
      case 'revoke': {
        const { what, target } = members as Members<'revoke'>;
        return !{ device: this.devices, approver: this.approvers, grant: this.grants }[what].has(target);
      }
      case 'approver': {
        const { key, name, passkey } = members as Members<'approver'>;
        const unknown = passkey === null && !this.devices.has(key);
        return unknown || this.approvers.has(key) || [...this.approvers.values()].includes(name);
      }
      case 'epoch': {
        const { class: of, n } = members as Members<'epoch'>;
        return n <= (this.epochs.get(of) ?? 0);
      }
      case 'rotate': {
        const { keys, recovery, quorum } = members as Members<'rotate'>;
        return (recovery === null && quorum.k === 0) || keys.some((key) => key === recovery);
      }
      case 'trust': {
        const { broker, gate } = members as Members<'trust'>;
        return broker.some((key) => gate.includes(key));
      }
      default:
        return false;
    }
  }

  /** After a statement that was taken. */
  take(kind: LaterKind, members: Members<LaterKind>, id: string, signatures: Signatures): void {
    switch (kind) {
      case 'enroll': {
        const { device, name } = members as Members<'enroll'>;
        this.devices.set(device, name);
        break;
      }
      case 'revoke': {
        const { what, target } = members as Members<'revoke'>;
        if (what === 'grant') this.grants.delete(target);
        else this.approvers.delete(target);
        if (what === 'device') this.devices.delete(target);
        break;
      }
      case 'approver': {
        const { key, name } = members as Members<'approver'>;
        this.approvers.set(key, name);
        break;
      }
      case 'grant':
        this.grants.add(id);
        break;
      case 'epoch': {
        const { class: of, n } = members as Members<'epoch'>;
        this.epochs.set(of, n);
        break;
      }
      case 'rotate': {
        const { keys, k, recovery, quorum } = members as Members<'rotate'>;
        this.roots = { keys, k, recovery, quorum };
        this.rotated = true;
        break;
      }
      case 'trust':
        this.trusts += 1;
        break;
      case 'thaw': {
        const by = this.#approving(signatures).filter((did) => !this.#stopped(did));
        const lift = { recovery: signatures.by === this.roots.recovery, by };
        for (const freeze of (members as Members<'thaw'>).freezes)
          this.#lifts.set(freeze, [...(this.#lifts.get(freeze) ?? []), lift]);
        break;
      }
      default:
    }
  }

  /** Whether a freeze is obeyed: an approver signed it, and not too many of that one stand. */
  obeys({ kid, payload }: Verified<'freeze'>): boolean {
    const own = this.standing().filter((freeze) => freeze.kid === kid);
    const room = own.length < maxFreezesPerApprover;
    const all = payload.what === 'all' && !own.some((freeze) => freeze.payload.what === 'all');
    return this.approvers.has(kid) && (room || all);
  }

  /** Freezes that nobody lifted who may: never the device that they stop. */
  standing(): Verified<'freeze'>[] {
    return [...this.freezes.values()].filter(({ id, payload: { target } }) => {
      const lifts = this.#lifts.get(id) ?? [];
      return !lifts.some(({ recovery, by }) => recovery || by.some((did) => did !== target));
    });
  }

  #stopped(did: Did): boolean {
    return this.standing().some(({ payload: { what, target } }) => what === 'device' && target === did);
  }

  frozen(did: Did): boolean {
    return this.#stopped(did) || this.standing().some(({ payload: { what } }) => what === 'all');
  }
}

function enough(keys: readonly Did[], k: number, { by, cosigned }: Signatures): boolean {
  const signers = new Set([by, ...cosigned].filter((did) => keys.includes(did)));
  return keys.includes(by) && signers.size >= k;
}
