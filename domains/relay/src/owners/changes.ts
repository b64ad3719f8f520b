import type { Did } from '@caponier/protocol';
import type { OwnerView } from '@caponier/verify';

/** What an operator hears of when an owner's chain says something new. */
export interface OwnerNews {
  readonly owner: string;
  /** True where the owner's root keys are others than before. */
  readonly rotated: boolean;
  /** Devices that were the owner's, and are not any more. */
  readonly gone: readonly Did[];
}

interface Picture {
  readonly roots: string;
  readonly devices: readonly Did[];
}

/** Remembers how owners looked, to tell what has changed. Bounded: the owner looked at longest ago is forgotten. */
export class Changes {
  readonly #most: number;
  readonly #pictures = new Map<string, Picture>();

  constructor(most: number) {
    this.#most = most;
  }

  /** What is new since the last look; null where nothing is, or it is the first. `isOut`: this device may not connect. */
  look(owner: string, view: OwnerView | undefined, isOut: (device: Did) => boolean): OwnerNews | null {
    if (!view) return null;
    const before = this.#pictures.get(owner);
    const devices = view
      .devices()
      .map(({ did }) => did)
      .filter((did) => !isOut(did));
    const after = { roots: view.roots.keys.join(' '), devices };
    this.#pictures.delete(owner);
    this.#pictures.set(owner, after);
    if (this.#pictures.size > this.#most) this.#pictures.delete(this.#pictures.keys().next().value as string);
    if (!before) return null;
    const gone = before.devices.filter((did) => !devices.includes(did));
    const rotated = before.roots !== after.roots;
    return rotated || gone.length > 0 ? { owner, rotated, gone } : null;
  }
}
