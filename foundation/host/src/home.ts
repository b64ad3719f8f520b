/** State and start of a process, without the listener and the log: for programs that open no port and start often. */
export { systemClock, systemRandom } from './clock.ts';
export { type Home, homePath, openHome } from './home/home.ts';
export { fileSigner, loadOrCreateKey } from './home/keys.ts';
export { refuseLoose } from './home/permissions.ts';
export { isLoopback } from './listen/address.ts';
export { refuseRoot } from './listen/boot.ts';
