import { systemClock, systemRandom } from '@caponier/host/home';
import { fail } from '@caponier/protocol';
import { signTicket } from '@caponier/sdk';
import type { Run } from '../command.ts';
import { wholeNumber } from '../flags.ts';
import { hereIdentity } from '../home/context.ts';
import { withRoot } from '../home/root-key.ts';
import { readDeployment } from '../services/deployment.ts';
import { formatInvitation } from './invitation.ts';

/** The most that the statement allows, and that somebody should leave lying around. */
const most = { uses: 100_000, days: 365 } as const;
const daySeconds = 86_400;

/** Signs a ticket for the relay of this home's deployment. Throws `cli.no_root`, `host.bad_config`, `cli.usage`. */
export async function makeTicket({ options, output }: Run): Promise<void> {
  const uses = wholeNumber(options.uses, '--uses', 1, most.uses) ?? 1;
  const days = wholeNumber(options.days, '--days', 1, most.days) ?? 7;
  const { home } = hereIdentity();
  const deployment = readDeployment(home);
  const relay = deployment?.services.find(({ role }) => role === 'relay');
  if (!deployment || !relay) throw fail('host.bad_config', 'this home runs no relay: make the ticket where it runs');
  const ticket = await withRoot(home, (signer) => {
    if (!deployment.operators.includes(signer.did)) {
      throw fail('host.bad_config', 'the owner of this home is no operator of the deployment');
    }
    const draft = { aud: relay.key, uses, lives: days * daySeconds };
    return signTicket(draft, { signer, random: systemRandom, clock: systemClock });
  });
  const address = formatInvitation({ ...relay, ticket });
  const until = systemClock() + days * daySeconds * 1000;
  output.document({
    ticket,
    relay: relay.key,
    address,
    pin: relay.pin,
    uses,
    until: Math.floor(until / 1000),
  });
  output.line(address);
  output.note(
    `Lets ${uses === 1 ? 'one owner' : `${uses} owners`} in until ${new Date(until).toISOString().slice(0, 10)}.`,
  );
  output.note('They give it once, to a new home: caponier up --relay - asks for it.');
  output.note('Whoever has it can use it: send it as you would send a password.');
}
