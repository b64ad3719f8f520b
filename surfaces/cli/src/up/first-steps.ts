import { CaponierError } from '@caponier/crypto';
import type { Identity } from '@caponier/daemon/client';
import { type Home, systemClock, systemRandom } from '@caponier/host/home';
import { type Did, fail, verifyStatement } from '@caponier/protocol';
import { createTransport, publishOwner, publishPolicy, servicesOfStart, systemWait } from '@caponier/sdk';
import { keepPolicyText } from '../home/policy-text.ts';

/** What a new owner's services must still be told. The file goes when they know. */
interface FirstSteps {
  /** Id of the `policy` statement, and the text it names. */
  readonly policy: string;
  readonly text: string;
}

const stepsFile = 'first-steps.json';
/** Milliseconds for the gate to see the chain in the log. */
const gateWaitMs = 15_000;
const pollMs = 50;

export function writeFirstSteps(home: Home, steps: FirstSteps): void {
  home.write(stepsFile, new TextEncoder().encode(`${JSON.stringify(steps)}\n`));
}

/** Whether a new owner's services must still be told something. */
export const stepsAreLeft = (home: Home): boolean => home.read(stepsFile) !== undefined;

/** Takes the first chain to the registry and the policy's text to the gate. Both may be done again, after a cut. */
export async function takeFirstSteps(home: Home, { owner, start }: Identity): Promise<void> {
  const bytes = home.read(stepsFile);
  if (!bytes) return;
  const { policy, text } = JSON.parse(new TextDecoder().decode(bytes)) as FirstSteps;
  const platform = { transport: createTransport(), random: systemRandom, clock: systemClock, wait: systemWait };
  try {
    await publishOwner(platform, start, ticketFor(start, start.anchor.key));
    await retrying(() => publishPolicy(platform, servicesOfStart(start), { owner, policy, text }));
  } finally {
    platform.transport.close();
  }
  keepPolicyText(home, text);
  home.remove(stepsFile);
}

/** The ticket that this service asks for, where there is one. */
function ticketFor({ tickets }: Identity['start'], service: Did): string | undefined {
  return tickets.find((ticket) => verifyStatement(ticket, 'ticket').payload.aud === service);
}

/** The gate follows the log on its own: for a moment it does not know the owner yet. */
async function retrying(work: () => Promise<void>): Promise<void> {
  const end = systemClock() + gateWaitMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const notYet =
        error instanceof CaponierError &&
        ['owner.unknown', 'owner.stale_view', 'host.unreachable'].includes(error.code);
      if (!notYet) throw error;
      if (systemClock() > end) throw fail('cli.not_ready', 'gate', error);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }
}
