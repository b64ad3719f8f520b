import type { Did, Signer } from '@caponier/protocol';
import { makeDevice, type TestDevice, type TestPasskey, testPasskey, testSigner } from '@caponier/testkit';
import type { Dice } from '../dice.ts';

/** Everybody who might sign or be named in a round. Few, so that the same key turns up in many parts. */
export interface People {
  readonly devices: readonly TestDevice[];
  readonly passkeys: readonly TestPasskey[];
  /** Root, recovery and quorum keys, of which some are in force at a time. */
  readonly hands: readonly Signer[];
  /** Services, and a stranger. */
  readonly others: readonly Signer[];
  readonly all: readonly Signer[];
  signer(did: Did): Signer;
}

export function gather(dice: Dice): People {
  const seed = `chain ${dice.seed}`;
  const names = ['ada', 'bob', 'cem', 'dan', 'eve'];
  const devices = names.map((name, i) => makeDevice(seed, name, i % 2 ? 'member' : 'controller'));
  // One device holds a root key, too: it must never count twice, nor lift its own freeze.
  const hands = ['h1', 'h2', 'h3', 'h4', 'h5'].map((name) => testSigner(`${seed} ${name}`));
  hands.splice(2, 0, devices[0]!.signer);
  const others = ['broker', 'gate', 'registry', 'witness', 'stranger'].map((name) => testSigner(`${seed} ${name}`));
  const all = [...devices.map(({ signer }) => signer), ...hands, ...others];
  const signers = new Map(all.map((signer) => [signer.did, signer]));
  return {
    devices,
    passkeys: [testPasskey(`${seed} one`), testPasskey(`${seed} two`)],
    hands,
    others,
    all,
    signer: (did) => signers.get(did)!,
  };
}
