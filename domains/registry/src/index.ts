export { httpWitness, type WitnessClient } from './log/witness-client.ts';
export type { Admission } from './owners/admission.ts';
export { createRegistry, type Registry, type RegistryOptions } from './registry.ts';
export { openRegistryStore } from './sqlite.ts';
export type { Integration, RegistryStore, ShownLeaf, StoredFreeze, StoredStatement } from './store.ts';
