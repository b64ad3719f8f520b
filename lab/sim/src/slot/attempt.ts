import type { Proof } from '@caponier/relay';
import type { Dice } from '../dice.ts';
import type { Door } from './scene.ts';

/** One attempt that must fail, and why it must. */
export interface Attempt {
  readonly door: Door;
  readonly proof: Proof;
  readonly how: string;
}

/** Ways to attempt, by the name under which they are counted. Each draws one of its many variants. */
export type Arsenal = Readonly<Record<string, (dice: Dice) => Attempt | Promise<Attempt>>>;
