/** The network alone, for services: they need neither sessions nor mail, and start sooner without. */

export { createTransport } from '#transport';
export { call, callText } from './platform/call.ts';
export { fetchOver } from './platform/fetch.ts';
export { helloFor } from './platform/hello.ts';
export { systemWait } from './platform/platform.ts';
export type { Transport } from './transport/types.ts';
