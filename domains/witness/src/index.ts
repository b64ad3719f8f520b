export { openWitnessStore } from './sqlite.ts';
export type { WitnessHead, WitnessStore } from './store.ts';
export { createWitness, type Witness, type WitnessOptions } from './witness.ts';
