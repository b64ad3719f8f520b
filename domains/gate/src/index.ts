export { createGate, type Gate, type GateOptions } from './gate.ts';
export { MAX_WAITING, MAX_WAITING_PER_OWNER, SUBMISSIONS } from './limits.ts';
export type { GateViews } from './permits.ts';
export { type GateStore, openGateStore } from './sqlite.ts';
