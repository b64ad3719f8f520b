import { useEffect, useState } from 'preact/hooks';
import { type Ask, Refused, readAsks, readStatus, type Status } from '../api.ts';
import { Asks } from './asks.tsx';
import { Devices } from './devices.tsx';
import { Verifier } from './verifier.tsx';

/** Milliseconds between two looks at the daemon. */
const lookEvery = 2000;

interface Seen {
  readonly status: Status | null;
  readonly asks: readonly Ask[];
  readonly problem: Refused | null;
}

export function App({ token }: { readonly token: string | null }) {
  const [seen, setSeen] = useState<Seen>({ status: null, asks: [], problem: null });

  useEffect(() => {
    if (!token) return;
    let stopped = false;
    const look = async () => {
      try {
        const [status, { asks }] = await Promise.all([readStatus(token), readAsks(token)]);
        if (!stopped) setSeen({ status, asks, problem: null });
      } catch (error) {
        const problem =
          error instanceof Refused ? error : new Refused('The daemon does not answer.', 'Run `caponier up`.');
        if (!stopped) setSeen((before) => ({ ...before, problem }));
      }
    };
    void look();
    const timer = setInterval(look, lookEvery);
    return () => {
      stopped = true;
      clearInterval(timer);
    };
  }, [token]);

  return (
    <main>
      <header>
        <h1>Caponier</h1>
        <p>
          {seen.status
            ? `owner ${seen.status.owner.slice(0, 12)}… · this device: ${seen.status.device.name}`
            : 'nothing in the middle that has to be believed'}
        </p>
      </header>
      {seen.problem && (
        <p class="problem" role="alert">
          {seen.problem.message} {seen.problem.hint}
        </p>
      )}
      {token ? (
        <>
          <Asks asks={seen.asks} />
          <Devices status={seen.status} />
        </>
      ) : (
        <p class="quiet">
          Devices and asks are shown to whoever opens the address that `caponier status` prints. The verifier needs
          nothing.
        </p>
      )}
      <Verifier />
    </main>
  );
}
