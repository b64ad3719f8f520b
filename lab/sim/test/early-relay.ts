/** A relay that breaks the promise: it says that mail is accepted which is only on its way to the disk. */
import type { RelayStore } from '@caponier/relay';
import { serveRelay } from '../src/mail-kill/relay.ts';

/** Milliseconds by which it is early. */
const early = 30;

type Take = Parameters<RelayStore['run']>;

await serveRelay(process.argv[2]!, (store) => {
  const run = async (...args: Take) => {
    const [name, given] = args;
    if (name !== 'takeMail') return store.run(...args);
    setTimeout(() => void store.run(...args), early);
    return (given as { letters: unknown[] }).letters.map(() => null);
  };
  return new Proxy(store, {
    get: (target, name) => (name === 'run' ? run : Reflect.get(target, name).bind(target)),
  });
});
