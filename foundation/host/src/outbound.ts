/** How far an address reaches, for whoever sends something out; without the listener and the log. */
export { type Reach, reachOf } from './outbound/reach.ts';
